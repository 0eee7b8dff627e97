"""The team's cast, and the fabmanager's browser."""

from tests.manage.conftest import amina, annex, cast

__all__ = ["amina", "annex", "cast"]
