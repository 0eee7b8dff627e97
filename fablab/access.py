"""Who may open which door: every view declares its right, and what declares none stays shut."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, redirect, request, url_for
from flask_login import LoginManager, current_user
from werkzeug.urls import iri_to_uri

login_manager = LoginManager()
# Its own guess at a stolen cookie writes the browser's name and address into the session, and
# the session into the answer whenever a phone changes networks.
login_manager.session_protection = None

View = TypeVar("View", bound=Callable[..., Any])


class Right(StrEnum):
    """What it takes to reach a view."""

    ANYONE = "anyone"  # a visitor too
    MEMBER = "member"  # signed in
    ACCOUNTS = "accounts"  # the team, and whoever keeps the accounts of the place
    TEAM = "team"  # fabmanager or administrator of the place


def anyone(view: View) -> View:
    return _declare(view, Right.ANYONE)


def members_only(view: View) -> View:
    return _declare(view, Right.MEMBER)


def accounts_only(view: View) -> View:
    """For what whoever keeps the accounts reads as well; what they may not do, the view asks."""
    return _declare(view, Right.ACCOUNTS)


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


@login_manager.unauthorized_handler
def ask_to_sign_in() -> Any:
    """To the sign-in page, and from there back to the page that was asked for.

    What a form had sent is not done after signing in: back to the page the form was on.
    """
    is_read = request.method in ("GET", "HEAD")
    wanted = this_page() if is_read else path_of(request.referrer or "")
    return redirect(url_for("members.login", next=wanted or None), 303)


def this_page() -> str:
    return iri_to_uri(request.full_path if request.query_string else request.path)


def way_back() -> str:
    """Where whoever signs in from this page goes on; empty where nothing is to come back to.

    The pages of signing in pass on where they were asked to lead.
    """
    if request.method != "GET" or request.endpoint is None:
        return ""
    return request.args.get("next", "") if request.blueprint == "members" else this_page()


def path_of(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


def keep_the_door() -> Any:
    """Answer the sign-in page to a visitor, 403 to a member without the right.

    A view that declares nothing is a mistake of ours and stays shut for everyone.
    """
    endpoint = request.endpoint
    if endpoint is None:
        return None
    right = right_of(endpoint)
    if right is None:
        abort(403)
    if right is Right.ANYONE:
        return None
    if not current_user.is_authenticated:
        return login_manager.unauthorized()
    if right is Right.TEAM and not current_user.may_manage:
        abort(403)
    if right is Right.ACCOUNTS and not current_user.may_read_accounts:
        abort(403)
    return None
