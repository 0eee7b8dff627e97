"""A machine's documents: PDF files, kept as they came and handed out as files to keep."""

from fablab.machines import files
from fablab.words import N_, NotTaken

MAX_BYTES = 10 * 1024 * 1024
HEAD = 1024  # bytes: a PDF says so within them (ISO 32000-1, annex H.3)


def is_pdf(data: bytes) -> bool:
    return b"%PDF-" in data[:HEAD]


def take(data: bytes, *, as_draft: bool = False) -> str:
    """Keep a document under a random name, and give the name. Raises NotTaken."""
    if len(data) > MAX_BYTES:
        raise NotTaken(
            N_("This file is too large: %(limit)s MB at most."), limit=MAX_BYTES // 1024 // 1024
        )
    if not is_pdf(data):
        raise NotTaken(N_("This is no PDF."))
    name = files.new_name("pdf")
    files.write(name, data, as_draft=as_draft)
    return name
