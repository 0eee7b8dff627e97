"""The mails that say whether a member may book: in the transaction of what they tell."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.db import db, writing
from fablab.machines.models import Occupancy
from fablab.members import mails as choices
from fablab.members import marks, staff
from fablab.members.kinds import Channel, MailKind, MarkKind
from fablab.members.models import Mark, Member
from fablab.places.models import Place
from tests.conftest import Fablab
from tests.members.conftest import email_of, mails
from tests.members.test_staff import reinstate, suspend
from tests.support import instant, slot, submit

WHY = "Left the laser <alone> & %(went)s home"
MIDNIGHT = instant("2027-04-13 00:00")


@pytest.fixture(autouse=True)
def english(any_fablab: Fablab) -> None:
    tell(any_fablab, "bruno", language="en")
    with writing() as session:
        session.execute(update(Place.__table__).values(email="team@atelier.example"))


def tell(fablab: Fablab, who: str, **values: Any) -> None:
    with writing() as session:
        session.execute(
            update(Member.__table__).where(Member.id == fablab.people[who]).values(**values)
        )


def suspended(fablab: Fablab, until: Any = MIDNIGHT, why: str = WHY) -> None:
    staff.suspend(
        fablab.people["bruno"],
        fablab.place_id,
        until,
        why,
        by=fablab.people["amina"],
        now=clock.now(),
    )


def sent() -> list[tuple[str, str]]:
    return [(mail.kind, mail.recipient) for mail in mails()]


def text() -> str:
    """The last mail, whole and on one line."""
    return " ".join(mails()[-1].text.split())


# -- by the team


def test_who_is_suspended_learns_why_and_until_when(any_fablab):
    suspended(any_fablab)

    assert sent() == [("suspended", "bruno@atelier.example")]
    mail = mails()[-1]
    assert mail.subject == "L'Atelier: your right to book is suspended"
    assert (
        "The team has suspended your right to book at L'Atelier, until the end of Monday 12 April."
        in text()
    )
    assert f"Reason: {WHY}" in text()
    assert "http://127.0.0.1:5000/bookings/" in text()
    assert mail.reply_to == "team@atelier.example"


def test_the_reason_is_only_words_in_the_html(any_fablab):
    suspended(any_fablab)

    html = mails()[-1].html
    assert "Left the laser &lt;alone&gt; &amp; %(went)s home" in html
    assert "<alone>" not in html


def test_until_a_moment_is_said_to_the_minute(any_fablab):
    suspended(any_fablab, until=instant("2027-04-13 14:30"))

    assert "at L'Atelier, until Tuesday 13 April 14:30." in text()


def test_in_french_to_who_reads_french(any_fablab):
    tell(any_fablab, "bruno", language="fr")
    suspended(any_fablab)

    assert mails()[-1].subject == "L'Atelier\u00a0: votre droit de réserver est suspendu"
    assert "jusqu’à la fin du lundi 12 avril." in text()


def test_another_end_is_told_again_and_the_same_is_not(any_fablab):
    suspended(any_fablab)
    suspended(any_fablab)
    assert len(sent()) == 1

    suspended(any_fablab, until=MIDNIGHT + timedelta(days=1))

    assert sent() == [("suspended", "bruno@atelier.example")] * 2
    assert "until the end of Tuesday 13 April." in text()


def test_who_may_book_again_is_told(any_fablab):
    suspended(any_fablab)

    reinstate(any_fablab, "bruno")
    reinstate(any_fablab, "bruno")

    assert [kind for kind, _to in sent()] == ["suspended", "reinstated"]
    assert "You may book again at L'Atelier." in text()


def test_of_a_suspension_that_was_over_nothing_is_told(any_fablab, at):
    suspended(any_fablab)
    at("2027-04-13 00:00")

    reinstate(any_fablab, "bruno")

    assert [kind for kind, _to in sent()] == ["suspended"]


def test_what_is_refused_sends_nothing(any_fablab):
    with pytest.raises(staff.NotAllowed):
        suspend(any_fablab, "bruno", by="bruno")

    assert sent() == []


def test_the_mail_and_the_suspension_stand_or_fall_together(any_fablab, monkeypatch):
    def fails(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(staff.audit, "note", fails)
    with pytest.raises(RuntimeError):
        suspended(any_fablab)

    db.session.rollback()
    assert sent() == []
    assert staff.membership(any_fablab.people["bruno"], any_fablab.place_id).suspended_until is None


def test_it_is_sent_whatever_they_chose_and_offers_no_link_to_stop_it(any_fablab):
    choices.choose(any_fablab.people["bruno"], Channel.NONE, set(MailKind))

    suspended(any_fablab)

    assert [kind for kind, _to in sent()] == ["suspended"]
    assert mails()[-1].unsubscribe == ""
    assert "/mails/stop/" not in mails()[-1].html + mails()[-1].text
    assert "Choose which mails you get http://127.0.0.1:5000/account/mails" in text()


def test_the_team_s_page_sends_it(any_fablab, browse_any):
    uid = db.session.scalar(select(Member.uid).where(Member.email == email_of("bruno")))
    page = f"/manage/members/{uid}"

    submit(
        browse_any("amina"), page, f"{page}/suspension", suspended_until="2027-04-12", reason="Rest"
    )
    submit(browse_any("amina"), page, f"{page}/suspension/end")

    assert [kind for kind, _to in sent()] == ["suspended", "reinstated"]


# -- by marks


@pytest.fixture
def missed(any_fablab: Fablab) -> list[int]:
    """Three bookings of his."""
    for hour in (10, 11, 12):
        any_fablab.book("bench", slot(f"2027-03-30 {hour}:00-{hour}:30"), "bruno")
    return list(db.session.scalars(select(Occupancy.id).order_by(Occupancy.id)))


def mark(fablab: Fablab, occupancy_id: int) -> None:
    with writing() as session:
        marks.mark(
            session,
            fablab.people["bruno"],
            fablab.place_id,
            occupancy_id,
            MarkKind.MISSED,
            by=fablab.people["amina"],
            now=clock.now(),
        )


@pytest.fixture
def strict(any_fablab: Fablab) -> Fablab:
    """Two marks within 90 days keep from booking for 14."""
    with writing() as session:
        session.execute(
            update(Place.__table__).values(
                marks_allowed=2, marks_window_days=90, marks_suspension_days=14
            )
        )
    return any_fablab


def lift(fablab: Fablab, number: int) -> None:
    uid = db.session.scalars(select(Mark.uid).order_by(Mark.id)).all()[number]
    marks.lift(uid, fablab.place_id, "Ill", by=fablab.people["amina"], now=clock.now())


def test_the_mark_that_keeps_from_booking_is_told_and_the_one_before_is_not(strict, missed):
    mark(strict, missed[0])
    assert sent() == []

    mark(strict, missed[1])

    assert sent() == [("marks_suspended", "bruno@atelier.example")]
    assert "you can book nothing at L'Atelier until Monday 12 April 9:00." in text()


def test_where_no_number_of_marks_keeps_from_booking_nothing_is_told(any_fablab, missed):
    for each in missed:
        mark(any_fablab, each)

    assert sent() == []


def test_who_may_book_again_once_a_mark_is_lifted_is_told(strict, missed):
    for each in missed[:2]:
        mark(strict, each)

    lift(strict, 1)

    assert [kind for kind, _to in sent()] == ["marks_suspended", "reinstated"]
    assert "You may book again at L'Atelier." in text()


def test_a_later_end_is_told(strict, missed, at):
    for each in missed[:2]:
        mark(strict, each)
    at("2027-03-29 10:00")

    mark(strict, missed[2])

    assert [kind for kind, _to in sent()] == ["marks_suspended"] * 2
    assert "until Monday 12 April 10:00." in text()


def test_a_mark_whose_lifting_changes_no_end_is_not_told(strict, missed, at):
    for each in missed[:2]:
        mark(strict, each)
    at("2027-03-29 10:00")
    mark(strict, missed[2])

    lift(strict, 0)

    assert [kind for kind, _to in sent()] == ["marks_suspended"] * 2


def test_a_mark_that_is_lifted_after_its_time_is_not_told(strict, missed, at):
    for each in missed[:2]:
        mark(strict, each)
    at("2027-04-12 09:00")

    lift(strict, 0)

    assert [kind for kind, _to in sent()] == ["marks_suspended"]


def test_what_keeps_them_still_is_said_with_what_is_lifted(strict, missed):
    for each in missed[:2]:
        mark(strict, each)
    suspended(strict)

    reinstate(strict, "bruno")

    assert "you may book again from Monday 12 April 9:00." in text()


def test_to_somebody_erased_nobody_writes(strict, missed):
    mark(strict, missed[0])
    tell(strict, "bruno", erased_at=clock.now())

    mark(strict, missed[1])

    assert sent() == []
