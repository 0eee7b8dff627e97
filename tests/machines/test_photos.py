"""Photographs: what is taken in, what becomes of it, and what is refused at a glance."""

import os
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from fablab.machines import files, photos
from fablab.machines.photos import OF_FAULT
from fablab.words import NotTaken


def picture(size=(1600, 1200), form="JPEG", mode="RGB", **more):
    """Red above, blue below."""
    image = Image.new(mode, size, "red")
    ImageDraw.Draw(image).rectangle((0, size[1] // 2, *size), fill="blue")
    buffer = BytesIO()
    image.save(buffer, form, **more)
    return buffer.getvalue()


def paths(name):
    return [files.folder() / each for each in files.names(name)]


def kept(name):
    return [Image.open(path) for path in paths(name)]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_kept_in_two_sizes(form):
    large, small = kept(photos.take(picture(form=form)))

    assert (large.format, large.size) == ("WEBP", (1200, 600))
    assert (small.format, small.size) == ("WEBP", (600, 300))


@pytest.mark.usefixtures("app")
def test_it_stands_upright_and_tells_nothing_of_who_took_it():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Appareil de Chloé"
    data = picture((1600, 800), exif=exif)

    name = photos.take(data, OF_FAULT)

    large, _ = kept(name)
    assert large.size == (800, 1600)
    left, right = large.getpixel((100, 800)), large.getpixel((700, 800))
    assert left[2] > left[0]
    assert right[0] > right[2]
    assert not large.getexif()
    assert all(b"Appareil" not in path.read_bytes() for path in paths(name))


@pytest.mark.usefixtures("app")
def test_the_busiest_photo_stays_light():
    noise = Image.effect_noise((1300, 700), 200).convert("RGB")
    buffer = BytesIO()
    noise.save(buffer, "PNG")

    for path in paths(photos.take(buffer.getvalue())):
        assert path.stat().st_size <= 60_000


@pytest.mark.usefixtures("app")
def test_a_small_one_is_not_blown_up():
    large, _ = kept(photos.take(picture((640, 480))))

    assert large.size == (640, 320)


@pytest.mark.usefixtures("app")
def test_what_was_transparent_is_white():
    image = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    buffer = BytesIO()
    image.save(buffer, "PNG")

    large, _ = kept(photos.take(buffer.getvalue()))

    assert large.convert("RGB").getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.usefixtures("app")
def test_what_is_forgotten_leaves_nothing():
    name = photos.take(picture())

    photos.forget(name)
    photos.forget(name)
    photos.forget(None)

    assert not list(files.folder().iterdir())


@pytest.mark.usefixtures("app")
def test_a_draft_is_shown_once_adopted_and_forgotten_after_a_day():
    old, draft = (photos.take(picture(), as_draft=True) for _ in range(2))
    for name in files.names(old):
        os.utime(files.drafts() / name, (0, 0))

    kept_for_now = photos.take(picture(), as_draft=True)
    for _ in range(2):  # a write may be tried again
        with files.adopting(*files.names(draft)):
            pass

    assert [files.is_draft(each) for each in (old, draft, kept_for_now)] == [False, False, True]
    assert photos.is_there(draft)
    assert not photos.is_there(kept_for_now)


def png_that_says(width, height):
    """A few bytes that unfold to as many pixels."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no picture"),
        (SVG, "no picture"),
        (b"GIF89a" + SVG, "no picture"),
        (b"%PDF-1.7", "no picture"),
        (png_that_says(40_000, 40_000), "too many pixels"),
        (png_that_says(100, 4000), "too small"),
        (picture()[:2000], "damaged"),
        (picture((4200, 4200), progressive=True, quality=10), "too many pixels"),
        (picture(progressive=True) + photos.SCAN * 100, "damaged"),
        (b"\0" * (photos.MAX_BYTES + 1), "too large"),
    ],
)
def test_what_is_no_photo_is_refused(data, sentence):
    with pytest.raises(NotTaken) as refused:
        photos.take(data)

    assert sentence in refused.value.sentence % refused.value.values
    assert not files.folder().exists()


@pytest.mark.usefixtures("app")
def test_of_a_picture_with_something_behind_it_only_the_picture_is_kept():
    name = photos.take(picture() + SVG)

    assert all(b"<svg" not in path.read_bytes() for path in paths(name))
