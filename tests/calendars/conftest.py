"""Everybody here reads English, and so does the place: the tests say what calendars do."""

import pytest

from fablab.members.models import Member
from fablab.places.models import Place
from tests.calendars.support import change
from tests.conftest import Fablab


def in_english(fablab: Fablab) -> Fablab:
    change(Member, language="en")
    change(Place, language="en")
    return fablab


@pytest.fixture
def fablab(fablab: Fablab) -> Fablab:
    return in_english(fablab)


@pytest.fixture
def any_fablab(any_fablab: Fablab) -> Fablab:
    return in_english(any_fablab)
