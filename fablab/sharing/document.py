"""The insurance document of an agreement, handed out as a file to keep."""

from typing import Any

from flask import abort, send_from_directory

from fablab.machines import files


def hand_out(name: str | None, code: str) -> Any:
    """A PDF as it came; 404 when there is none."""
    if not name:
        abort(404)
    return send_from_directory(
        files.folder(),
        name,
        mimetype="application/pdf",
        as_attachment=True,
        download_name=f"{code}.pdf",
        max_age=0,
    )
