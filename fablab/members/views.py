"""Signing in and out, and the account, from the browser."""

from flask import Blueprint

bp = Blueprint("members", __name__)


@bp.get("/login")
def login():
    return ""


@bp.post("/logout")
def logout():
    return ""


@bp.get("/account/")
def account():
    return ""
