"""Who may open which door: every view declares its right, and what declares none stays shut."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request
from flask_login import LoginManager, current_user

login_manager = LoginManager()
login_manager.login_view = "members.login"

View = TypeVar("View", bound=Callable[..., Any])


class Right(StrEnum):
    """What it takes to reach a view."""

    ANYONE = "anyone"  # a visitor too
    MEMBER = "member"  # signed in
    TEAM = "team"  # fabmanager or administrator of the place


def anyone(view: View) -> View:
    return _declare(view, Right.ANYONE)


def members_only(view: View) -> View:
    return _declare(view, Right.MEMBER)


def team_only(view: View) -> View:
    return _declare(view, Right.TEAM)


def _declare(view: View, right: Right) -> View:
    view.right = right  # type: ignore[attr-defined]
    return view


def right_of(endpoint: str) -> Right | None:
    """The right a view declares; static files are for anyone."""
    if endpoint == "static":
        return Right.ANYONE
    return getattr(current_app.view_functions[endpoint], "right", None)


def init_app(app: Flask) -> None:
    login_manager.init_app(app)
    # It looks into the session of every answer for a remember-me cookie we never give, and so
    # marks even a public calendar as depending on the visitor's cookies (Vary: Cookie).
    app.after_request_funcs[None].remove(login_manager._update_remember_cookie)
    app.before_request(keep_the_door)


def keep_the_door() -> Any:
    """Answer the sign-in page to a visitor, 403 to a member without the right.

    A view that declares nothing is a mistake of ours and stays shut for everyone.
    """
    if request.endpoint is None:
        return None
    right = right_of(request.endpoint)
    if right is None:
        abort(403)
    if right is Right.ANYONE:
        return None
    if not current_user.is_authenticated:
        return login_manager.unauthorized()
    if right is Right.TEAM and not current_user.may_manage:
        abort(403)
    return None
