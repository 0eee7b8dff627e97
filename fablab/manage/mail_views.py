"""The mails of the place's people: which have not left, why, and what to do about it.

A mail is of no place. Each team sees those to the people it sees anyway: `mail_queries.seen_from`.
"""

import logging
from typing import Any
from uuid import UUID

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.booking.views import page_number
from fablab.machines.inventory import here
from fablab.mail import commands
from fablab.manage import mail_pages, mail_queries
from fablab.manage.blueprint import bp, page
from fablab.manage.mail_queries import MailState
from fablab.members import commands as members
from fablab.members import throttle
from fablab.members.views import address, many_mails

log = logging.getLogger(__name__)

PAGE = 50  # mails


@bp.get("/manage/mails")
@team_only
def mails():
    """`?state=` is one of MailState; anything else is all of them."""
    place, zone, now = here().place, here().schedule.zone, clock.now()
    asked = request.args.get("state", "")
    state = MailState(asked) if asked in set(MailState) else None
    counts = mail_queries.counts(place.id)
    count = counts[state] if state else sum(counts.values())
    last = max(1, -(-count // PAGE))
    number = min(page_number(), last)
    rows = mail_queries.mails(place.id, state, number, PAGE)
    return page(
        "mails.html",
        mails=[mail_pages.line(row, now, zone) for row in rows],
        choices=mail_pages.choices(counts, state),
        parked=counts[MailState.PARKED],
        obstacle=mail_pages.obstacle(mail_queries.silence(), zone),
        is_for_real=bool(current_app.config["MAIL_URL"]),
        state=state,
        number=number,
        last=last,
    )


@bp.post("/manage/mails/retry")
@team_only
def retry_mails():
    """All that are stuck."""
    return tried_again(mail_queries.seen_from(here().place.id))


@bp.post("/manage/mails/<uuid:uid>/retry")
@team_only
def retry_mail(uid: UUID):
    mail_queries.find(here().place.id, uid)
    return tried_again(mail_queries.the_one(uid))


@bp.post("/manage/mails/<uuid:uid>/drop")
@team_only
def drop_mail(uid: UUID):
    mail_queries.find(here().place.id, uid)
    if commands.give_up(mail_queries.the_one(uid), now=clock.now()):
        log.info("member %s gave up mail %s", current_user.id, uid)
        flash(_("The mail is given up: it will not be sent."), "warning")
    else:
        flash(_("This mail has left already, or was dropped."), "info")
    return back()


@bp.post("/manage/mails/test")
@team_only
def test_mail():
    """To whoever asks: it proves the settings, and where it stays it says what is wrong."""
    try:
        members.send_test(current_user.id, address=address(), now=clock.now())
    except throttle.TooMany as refused:
        flash(many_mails(refused), "no")
    else:
        flash(_("A mail to %(address)s is on its way.", address=current_user.email))
    return back()


def tried_again(which: Any) -> Any:
    count = commands.try_again(which, now=clock.now())
    if count:
        log.info("member %s had %s mails tried again", current_user.id, count)
        flash(ngettext("%(num)s mail is sent again.", "%(num)s mails are sent again.", count))
    else:
        flash(_("No mail is left to be sent again."), "info")
    return back()


def back() -> Any:
    return redirect(url_for(".mails"), 303)
