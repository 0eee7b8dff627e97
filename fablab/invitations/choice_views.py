"""Which mails somebody wants: the page of the account, and the link that stops one kind."""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab.access import anyone, members_only
from fablab.calendars.queries import has_own_calendar
from fablab.invitations.choice_forms import MailsForm
from fablab.invitations.choice_pages import half_masked, offered
from fablab.invitations.choice_words import CHANNELS, KINDS
from fablab.members import mails
from fablab.members.kinds import MailKind
from fablab.web import csrf, keep_their_session

bp = Blueprint("mails", __name__)


@bp.get("/account/mails")
@members_only
def choice():
    kinds = offered(is_team=current_user.may_manage)
    channel, words = mails.choice_of(current_user.id)
    wanted = [kind for kind in kinds if kind not in mails.refused(words)]
    return page(MailsForm(None, offered=kinds, data={"channel": channel, "kinds": wanted}))


@bp.post("/account/mails")
@members_only
def choose():
    form = MailsForm(offered=offered(is_team=current_user.may_manage))
    if not form.validate():
        return page(form), 422
    mails.choose(current_user.id, form.channel_chosen, form.unwanted, among=form.offered)
    flash(_("Your choice is saved: it holds from the next mail on."))
    return redirect(url_for(".choice"), 303)


def page(form: MailsForm) -> str:
    return render_template(
        "invitations/choice.html",
        form=form,
        email=current_user.email,
        channels={channel: _(words.means) for channel, words in CHANNELS.items()},
        kinds={kind: _(words.means) for kind, words in KINDS.items()},
        is_subscribed=has_own_calendar(current_user.id),
    )


@bp.get("/mails/stop/<token>")
@anyone
def stop(token: str):
    """Shows, and stops nothing: what reads mails opens their links too."""
    whose, kind = opened(token)
    return stop_page(whose, kind, is_stopped=kind in mails.refused(whose.refused_mails))


@bp.post("/mails/stop/<token>")
@csrf.exempt
@anyone
def stop_now(token: str):
    """By the button of the page, or by the reader's mail program, which has neither cookie nor
    form (RFC 8058 §3.2). Answered at once: it is not to be redirected (§3.1).
    """
    whose, kind = opened(token)
    mails.refuse(whose.id, kind)
    answer = stop_page(whose, kind, is_stopped=True)
    keep_their_session()
    return answer


def opened(token: str) -> tuple[mails.Reader, MailKind]:
    """Whose mails, of which kind; 404 for a link that is none of ours."""
    whose, kind = mails.read_stop_token(token)
    g.reader_language = whose.language
    return whose, kind


def stop_page(whose: mails.Reader, kind: MailKind, *, is_stopped: bool) -> str:
    return render_template(
        "invitations/stop.html",
        email=half_masked(whose.email),
        kind=_(KINDS[kind].name),
        means=_(KINDS[kind].means),
        is_stopped=is_stopped,
    )
