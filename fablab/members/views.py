"""Signing in and out, and the account, from the browser."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import force_locale, refresh
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import anyone, members_only
from fablab.forms import Confirmation, Form
from fablab.members import commands, demonstration, people, sessions, throttle
from fablab.members.forms import (
    ChangeEmailForm,
    ChangePasswordForm,
    ChoosePasswordForm,
    ConfirmForm,
    ForgottenForm,
    LoginForm,
    ProfileForm,
    RegisterForm,
)
from fablab.members.kinds import LinkPurpose
from fablab.members.pages import wait_in_words, whole_seconds
from fablab.security import safe_next

bp = Blueprint("members", __name__)


@bp.before_request
def know_who_asks() -> None:
    """The frame of a page shows who is signed in, on these pages for anyone too."""
    bool(current_user.is_authenticated)


# Signing in and out


@bp.get("/login")
@anyone
def login():
    if current_user.is_authenticated:
        return redirect(safe_next(request.args.get("next")), 303)
    given = {"next": request.args.get("next", "")}
    if current_app.config["DEMO"]:
        given["email"] = request.args.get("email", "")
    return login_page(LoginForm(formdata=None, data=given))


@bp.post("/login")
@anyone
def sign_in():
    form = LoginForm()
    if not form.validate():
        return login_page(form), 422
    email, password, now = form.email.data, form.password.data, clock.now()
    try:
        found = commands.sign_in(email, password, address=address(), now=now)
    except throttle.TooMany as refused:
        return wait(login_page, form, refused, wrong_passwords(refused))
    except commands.WrongPassword:
        form.form_errors.append(_("No account has this address and this password."))
        return login_page(form), 422
    except commands.Unproven:
        with suppress(throttle.TooMany):  # then a mail went a moment ago
            session["registered"] = commands.send_confirmation(email, address=address(), now=now)
        return redirect(url_for(".registered"), 303)
    end_session()
    sessions.start(*found, is_shared=form.shared.data, now=now)
    return redirect(safe_next(form.next.data), 303)


@bp.post("/logout")
@anyone
def logout():
    if current_user.is_authenticated:
        end_session()
        speak_to_the_reader()
        flash(_("You are logged out on this device."))
    return redirect(url_for("home.index"), 303)


@bp.post("/account/sessions/sign-out")
@members_only
def sign_out_everywhere():
    commands.sign_out_everywhere(current_user.id)
    sessions.drop()
    speak_to_the_reader()
    flash(_("You are logged out on every device."))
    return redirect(url_for(".login"), 303)


# Opening an account


@bp.get("/register")
@anyone
def register():
    if current_user.is_authenticated:
        return redirect(safe_next(request.args.get("next")), 303)
    # An invitation knows the address that it went to, and that alone may answer it.
    given = {name: request.args.get(name, "") for name in ("next", "email")}
    return register_page(RegisterForm(formdata=None, data=given))


@bp.post("/register")
@anyone
def open_account():
    form = RegisterForm()
    if not form.validate():
        return register_page(form), 422
    try:
        session["registered"] = commands.register(
            form.email.data,
            form.first_name.data,
            form.last_name.data,
            form.password.data,
            language=texts.language(),
            address=address(),
            now=clock.now(),
        )
    except throttle.TooMany as refused:
        return wait(register_page, form, refused, many_mails(refused))
    remember_next(form)
    return redirect(url_for(".registered"), 303)


@bp.get("/register/sent")
@anyone
def registered():
    return render_template("members/registered.html", lasts=commands.UNPROVEN)


@bp.get("/register/confirm/<secret>")
@anyone
def confirmation(secret):
    link = commands.find_link(secret, LinkPurpose.CONFIRM, clock.now())
    return confirm_page(confirm_form(link), link) if link else dead_link()


@bp.post("/register/confirm/<secret>")
@anyone
def confirm(secret):
    """Asks for the password, unless this is the browser that registered: who merely reads the
    mail must not open an account that a stranger chose the password of.
    """
    now = clock.now()
    link = commands.find_link(secret, LinkPurpose.CONFIRM, now)
    if not link:
        return dead_link()
    form = confirm_form(link)
    if not form.validate():
        return confirm_page(form, link), 422
    try:
        if form.password:
            commands.check_password(link.member_id, form.password.data, address=address(), now=now)
        found = commands.confirm(secret, now=now)
    except throttle.TooMany as refused:
        return wait(lambda form: confirm_page(form, link), form, refused, wrong_passwords(refused))
    except commands.WrongPassword:
        form.password.errors = [_("This is not the password that was chosen.")]
        return confirm_page(form, link), 422
    except commands.LinkDead:
        return dead_link()
    wanted = session.get("next")
    sessions.start(*found, is_shared=form.shared.data, now=now)
    speak_to_the_reader()
    flash(_("Your address is confirmed, and you are logged in."))
    if not current_user.standings:
        flash(_("The team has yet to record your membership: then you can book."), "info")
    return redirect(safe_next(wanted), 303)


def confirm_form(link: Any) -> ConfirmForm:
    form = ConfirmForm()
    if session.get("registered") == link.secret_hash:
        del form.password
    return form


# A forgotten password


@bp.get("/password/forgotten")
@anyone
def forgotten():
    given = {"next": request.args.get("next", "")}
    return forgotten_page(ForgottenForm(formdata=None, data=given))


@bp.post("/password/forgotten")
@anyone
def ask_reset():
    form = ForgottenForm()
    if not form.validate():
        return forgotten_page(form), 422
    try:
        commands.ask_reset(
            form.email.data, language=texts.language(), address=address(), now=clock.now()
        )
    except throttle.TooMany as refused:
        return wait(forgotten_page, form, refused, many_mails(refused))
    remember_next(form)
    return redirect(url_for(".reset_sent"), 303)


@bp.get("/password/forgotten/sent")
@anyone
def reset_sent():
    return render_template("members/reset_sent.html", lasts=commands.LASTS[LinkPurpose.RESET])


@bp.get("/password/reset/<secret>")
@anyone
def choose_password(secret):
    link = commands.find_link(secret, LinkPurpose.RESET, clock.now())
    return reset_page(ChoosePasswordForm(about=about(link))) if link else dead_link()


@bp.post("/password/reset/<secret>")
@anyone
def reset(secret):
    link = commands.find_link(secret, LinkPurpose.RESET, clock.now())
    if not link:
        return dead_link()
    form = ChoosePasswordForm(about=about(link))
    if not form.validate():
        return reset_page(form), 422
    try:
        commands.reset(secret, form.password.data, now=clock.now())
    except commands.LinkDead:
        return dead_link()
    flash(_("Your password is changed, and all devices are logged out. Log in with the new one."))
    return redirect(url_for(".login", next=session.pop("next", None)), 303)


# The account


@bp.get("/account/")
@members_only
def account():
    return account_page(ProfileForm(data=people.profile(current_user.id)))


@bp.post("/account/")
@members_only
def update_profile():
    form = ProfileForm()
    if not form.validate():
        return account_page(form), 422
    commands.update_profile(
        current_user.id,
        first_name=form.first_name.data,
        last_name=form.last_name.data,
        phone=form.phone.data,
        shares_phone=form.shares_phone.data,
        language=form.language.data,
    )
    with force_locale(form.language.data):  # that of the next page
        flash(_("Your profile is saved."))
    response = redirect(url_for(".account"), 303)
    response.delete_cookie("language")  # what this browser was asked to show before
    return response


@bp.get("/account/password")
@members_only
def password():
    return password_page(ChangePasswordForm(about=about(current_user)))


@bp.post("/account/password")
@members_only
def change_password():
    form, now = ChangePasswordForm(about=about(current_user)), clock.now()
    if not form.validate():
        return password_page(form), 422
    refused = ask_password(form, password_page)
    if refused:
        return refused
    found = commands.change_password(current_user.id, form.password.data, now=now)
    start_anew(found)
    flash(_("Your password is changed, and every other device logged out."))
    return redirect(url_for(".account"), 303)


@bp.get("/account/email")
@members_only
def email():
    return email_page(ChangeEmailForm(known=current_user.email))


@bp.post("/account/email")
@members_only
def ask_new_email():
    form = ChangeEmailForm(known=current_user.email)
    if not form.validate():
        return email_page(form), 422
    refused = ask_password(form, email_page)
    if refused:
        return refused
    try:
        commands.ask_new_email(current_user.id, form.email.data, address=address(), now=clock.now())
    except throttle.TooMany as many:
        return wait(email_page, form, many, many_mails(many))
    flash(_("A mail is on its way to the new address. Confirm it there to use it here."), "info")
    return redirect(url_for(".account"), 303)


@bp.get("/account/email/<secret>")
@anyone
def new_email(secret):
    link = commands.find_link(secret, LinkPurpose.CHANGE, clock.now())
    if not link:
        return dead_link()
    return render_template("members/new_email.html", form=Confirmation(), email=link.new_email)


@bp.post("/account/email/<secret>")
@anyone
def change_email(secret):
    try:
        found = commands.change_email(secret, now=clock.now())
    except commands.LinkDead:
        return dead_link()
    except commands.EmailTaken:
        flash(_("Meanwhile another account has this address: yours keeps its own."), "no")
        return redirect(url_for(".login", next=url_for(".account")), 303)
    flash(_("Your account has its new address, and every other device is logged out."))
    if current_user.id == found.member_id:
        start_anew(found)
    return redirect(url_for(".account"), 303)


# What the pages above have in common


def login_page(form: LoginForm) -> str:
    accounts = demonstration.ACCOUNTS if current_app.config["DEMO"] else ()
    return render_template(
        "members/login.html",
        form=form,
        next=form.next.data,
        is_to_book=leads_to_a_slot(form.next.data or ""),
        idle=sessions.lifetime(is_shared=True).idle,
        accounts=[(email, _(who)) for email, who in accounts],
        demo_password=demonstration.PASSWORD,
    )


def leads_to_a_slot(address: str) -> bool:
    """Whether `address` is the booking form with its hours filled in."""
    path, _mark, query = safe_next(address).partition("?")
    return path == url_for("booking.new") and "start" in parse_qs(query)


def register_page(form: RegisterForm) -> str:
    return render_template("members/register.html", form=form, next=form.next.data)


def confirm_page(form: ConfirmForm, link: Any) -> str:
    return render_template(
        "members/confirm.html",
        form=form,
        email=link.email,
        idle=sessions.lifetime(is_shared=True).idle,
    )


def forgotten_page(form: ForgottenForm) -> str:
    return render_template("members/forgotten.html", form=form, next=form.next.data)


def reset_page(form: ChoosePasswordForm) -> str:
    return render_template("members/reset.html", form=form)


def account_page(form: ProfileForm) -> str:
    return render_template("members/account.html", form=form, email=current_user.email)


def password_page(form: ChangePasswordForm) -> str:
    return render_template("members/password.html", form=form, email=current_user.email)


def email_page(form: ChangeEmailForm) -> str:
    return render_template("members/email.html", form=form, email=current_user.email)


def dead_link() -> tuple[str, int]:
    """One answer for a link that was used, is too old, was replaced or never existed."""
    return render_template("members/dead_link.html"), 404


def wait(
    page: Callable[[Any], str], form: Form, refused: throttle.TooMany, sentence: str
) -> Response:
    """The page again, with how long to wait: nothing was tried."""
    form.form_errors.append(sentence)
    response = make_response(page(form), 429)
    response.headers["Retry-After"] = str(whole_seconds(refused.wait))
    return response


def wrong_passwords(refused: throttle.TooMany) -> str:
    return _(
        "Too many wrong passwords. Try again in %(wait)s, or choose another password by mail.",
        wait=wait_in_words(refused.wait),
    )


def many_mails(refused: throttle.TooMany) -> str:
    return _(
        "Several mails were asked for already. Look into your mailbox, among the unwanted ones "
        "too; or ask again in %(wait)s.",
        wait=wait_in_words(refused.wait),
    )


def ask_password(form: Any, page: Callable[[Any], str]) -> Any:
    """The answer when the current password is not right; None when it is."""
    try:
        commands.check_password(
            current_user.id, form.current.data, address=address(), now=clock.now()
        )
    except throttle.TooMany as refused:
        return wait(page, form, refused, wrong_passwords(refused))
    except commands.WrongPassword:
        form.current.errors = [_("This is not your password.")]
        return page(form), 422
    return None


def end_session() -> None:
    """End the session of this browser, if it has one, for every copy of its cookie."""
    kept = sessions.current()
    if kept and current_user.is_authenticated:
        commands.sign_out(kept.key_hash, kept.ends_at)
    session.clear()


def speak_to_the_reader() -> None:
    """From here on in the language of the next page: that of whoever is signed in by now."""
    g.pop("_login_user", None)
    bool(current_user.is_authenticated)  # asks who it is
    refresh()


def start_anew(found: commands.SignedIn) -> None:
    """Keep this device signed in where the others are not, in a new session."""
    kept = sessions.current()
    sessions.start(*found, is_shared=bool(kept and kept.is_shared), now=clock.now())


def remember_next(form: Any) -> None:
    """Where to go once the mail was read and the person signed in."""
    if form.next.data:
        session["next"] = safe_next(form.next.data)


def about(person: Any) -> tuple[str, ...]:
    return (person.first_name, person.last_name, person.email)


def address() -> str:
    return request.remote_addr or ""
