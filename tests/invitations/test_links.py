"""What the link of a mail about a booking is worth."""

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import wait_links
from fablab.db import NoSuch, db, writing
from fablab.invitations import links
from fablab.members.models import Member

BOOKING = "0f8fad5b-d9cb-469f-a165-70867728950e"


def bruno() -> str:
    return db.session.scalars(select(Member.uid).where(Member.first_name == "Bruno")).one()


def test_a_link_says_which_booking_and_whose(fablab):
    token = links.token_for(BOOKING, bruno())

    assert links.read_token(token) == (BOOKING, fablab.people["bruno"])


@pytest.mark.parametrize("spoil", [str.swapcase, lambda token: token[:-1], lambda token: ""])
def test_a_spoilt_link_is_none_of_ours(fablab, spoil):
    with pytest.raises(NoSuch):
        links.read_token(spoil(links.token_for(BOOKING, bruno())))


def test_a_link_of_another_purpose_opens_no_booking(fablab):
    with pytest.raises(NoSuch):
        links.read_token(wait_links.token_for(BOOKING, bruno()))


def test_the_link_of_somebody_erased_opens_nothing(fablab):
    token = links.token_for(BOOKING, bruno())
    with writing() as session:
        session.execute(
            update(Member.__table__)
            .where(Member.id == fablab.people["bruno"])
            .values(erased_at=clock.now())
        )

    with pytest.raises(NoSuch):
        links.read_token(token)
