"""Photographs: whatever was sent is read with care and written anew, small, as WebP.

Nothing of what was sent is kept as it came: neither its name, nor where and with what it was taken,
nor what may hide behind its last pixel.
"""

import warnings
from dataclasses import dataclass
from io import BytesIO
from threading import Lock

from PIL import Image, ImageOps, UnidentifiedImageError

from fablab.machines import files
from fablab.words import N_, NotTaken

MAX_BYTES = 10 * 1024 * 1024
# A JPEG is read at a fraction of its size; whatever else, and a progressive one, whole.
MAX_PIXELS, MAX_PIXELS_WHOLE = 50_000_000, 12_500_000
# Each scan of a progressive JPEG goes over all pixels, and may be a few bytes long.
SCAN, MAX_SCANS = b"\xff\xda", 64
READ = ("JPEG", "PNG", "WEBP")
QUALITIES = (80, 65, 50, 35)


@dataclass(frozen=True, slots=True)
class Shape:
    """What becomes of a photograph: its two sizes, and how heavy each of them may be."""

    large: tuple[int, int]
    small: tuple[int, int]
    is_cut: bool  # to exactly this; else it fits inside
    weight: int = 60_000  # bytes
    least: int = 200  # pixels a side of what is sent


OF_MACHINE = Shape((1200, 600), (600, 300), is_cut=True)
OF_FAULT = Shape((1600, 1600), (480, 480), is_cut=False, weight=200_000)


# One at a time: the largest take up to two hundred megabytes while they are read.
_reading = Lock()


def take(data: bytes, shape: Shape = OF_MACHINE, *, as_draft: bool = False) -> str:
    """Keep a photograph under a random name, and give the name. Raises NotTaken."""
    if len(data) > MAX_BYTES:
        raise NotTaken(
            N_("This file is too large: %(limit)s MB at most."), limit=MAX_BYTES // 1024 // 1024
        )
    with _reading:
        image = opened(data, shape)
        sizes = [encoded(resized(image, size, shape), shape) for size in (shape.large, shape.small)]
    name = files.new_name("webp")
    for each, written in zip(files.names(name), sizes, strict=True):
        files.write(each, written, as_draft=as_draft)
    return name


def forget(name: str | None) -> None:
    """Delete one that nothing shows any longer."""
    if name:
        files.forget(*files.names(name))


def is_there(name: str) -> bool:
    """Not, when a database was put back without its folder."""
    return all((files.folder() / each).is_file() for each in files.names(name))


def copy_as_draft(name: str) -> str:
    """The same photograph once more, for another machine."""
    copy = files.new_name("webp")
    for each, other in zip(files.names(name), files.names(copy), strict=True):
        files.copy_as_draft(each, other)
    return copy


def version(name: str) -> str:
    """For its address, which changes with the photograph."""
    return name[:8]


def opened(data: bytes, shape: Shape) -> Image.Image:
    """The picture, upright, in red, green and blue, on white where it was transparent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=READ)
            check_size(image, data, shape)
            largest = max(shape.large)
            image.draft("RGB", (largest, largest))
            image.load()
            return on_white(ImageOps.exif_transpose(made_smaller(image, largest)))
    except NotTaken:
        raise
    except UnidentifiedImageError as error:
        raise NotTaken(N_("This is no picture: send a JPEG, PNG or WebP file.")) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise too_many_pixels(MAX_PIXELS_WHOLE) from error
    except Exception as error:  # of a broken file, Pillow raises whatever it stumbles over
        raise NotTaken(N_("This picture is damaged and cannot be read.")) from error


def made_smaller(image: Image.Image, largest: int) -> Image.Image:
    """Before anything copies it. Of colours by number no average can be taken."""
    factor = min(image.size) // largest
    return image.reduce(factor) if factor > 1 and image.mode != "P" else image


def check_size(image: Image.Image, data: bytes, shape: Shape) -> None:
    """Of its head alone, before a pixel is read."""
    is_jpeg = image.format in ("JPEG", "MPO")  # a phone's JPEG may hold a second picture
    if is_jpeg and data.count(SCAN) > MAX_SCANS:
        raise NotTaken(N_("This picture is damaged and cannot be read."))
    is_whole = not is_jpeg or bool(image.info.get("progressive"))
    limit = MAX_PIXELS_WHOLE if is_whole else MAX_PIXELS
    width, height = image.size
    if width * height > limit:
        raise too_many_pixels(limit)
    if min(width, height) < shape.least:
        raise NotTaken(
            N_("This picture is too small: %(least)s pixels a side at least."), least=shape.least
        )


def too_many_pixels(limit: int) -> NotTaken:
    return NotTaken(
        N_("This picture has too many pixels: %(limit)s million at most."), limit=limit // 1_000_000
    )


def on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    sheet = Image.new("RGB", clear.size, "white")
    sheet.paste(clear, mask=clear.getchannel("A"))
    return sheet


def resized(image: Image.Image, size: tuple[int, int], shape: Shape) -> Image.Image:
    """Never enlarged: a small picture stays sharp, the page stretches it."""
    if not shape.is_cut:
        return ImageOps.contain(image, size) if exceeds(image.size, size) else image
    width, height = size
    scale = min(1.0, image.width / width, image.height / height)
    return ImageOps.fit(image, (max(1, int(width * scale)), max(1, int(height * scale))))


def exceeds(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] > other[0] or one[1] > other[1]


def encoded(image: Image.Image, shape: Shape) -> bytes:
    """As good as its weight allows: a busy one is rather made smaller than muddy."""
    while True:
        for quality in QUALITIES:
            buffer = BytesIO()
            image.save(buffer, "WEBP", quality=quality, method=4)
            if buffer.tell() <= shape.weight:
                return buffer.getvalue()
        image = image.reduce(2)
