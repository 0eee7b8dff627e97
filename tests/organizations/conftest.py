"""Studio Fil has a manager here, Maud, beside Bruno; Lina has an account and no place."""

from datetime import date

import pytest

from fablab.db import writing
from fablab.organizations.models import OrganizationMember
from tests.conftest import browser
from tests.manage.conftest import account, add_cast, join


def add_manager(fablab):
    add_cast(fablab)
    with writing() as session:
        maud = account(session, "maud", "Trame")
        join(session, maud, fablab.place_id)
        session.add(
            OrganizationMember(
                organization_id=fablab.organization_id,
                member_id=maud.id,
                is_manager=True,
                since=date(2026, 1, 1),
            )
        )
        fablab.people["maud"] = maud.id
    return fablab


@pytest.fixture
def studio(any_fablab):
    return add_manager(any_fablab)


@pytest.fixture
def who(any_app, studio):
    """who("maud"): their browser."""
    return lambda name: browser(any_app, name)
