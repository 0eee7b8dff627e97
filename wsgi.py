"""For `flask --app wsgi` and any WSGI server."""

from fablab import create_app

app = create_app()
