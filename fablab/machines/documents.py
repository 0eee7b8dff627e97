"""A machine's documents: PDF files, kept as they came and handed out as files to keep."""

from fablab.machines import files
from fablab.words import N_

MAX_BYTES = 10 * 1024 * 1024
HEAD = 1024  # bytes: a PDF says so within them (ISO 32000-1, annex H.3)


class NoDocument(ValueError):
    """Why it is not taken: an English msgid and its values."""

    def __init__(self, sentence: str, **values: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values


def take(data: bytes, *, as_draft: bool = False) -> str:
    """Keep a document under a random name, and give the name. Raises NoDocument."""
    if len(data) > MAX_BYTES:
        raise NoDocument(
            N_("This file is too large: %(limit)s MB at most."), limit=MAX_BYTES // 1024 // 1024
        )
    if b"%PDF-" not in data[:HEAD]:
        raise NoDocument(N_("This is no PDF."))
    name = files.new_name("pdf")
    files.write(name, data, as_draft=as_draft)
    return name
