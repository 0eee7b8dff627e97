"""A question asked of the driver itself gives what SQLAlchemy would give, on both engines."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import bindparam, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from fablab import clock
from fablab.db import Glance, UTCDateTime, db, writing
from fablab.members.models import Member, Membership
from fablab.places.kinds import NamesShown
from fablab.places.models import Place
from tests.support import counting

OF_MEMBER = select(
    Member.id,
    Member.first_name,
    Member.shares_phone,
    Member.confirmed_at,
    Member.erased_at,
    Membership.expires_on,
    Place.names_shown,
).join_from(Member, Membership).join(Place).where(
    Member.email == bindparam("email"),
    Member.created_at <= bindparam("now", type_=UTCDateTime()),
    Place.names_shown == NamesShown.MEMBERS,
)  # fmt: skip
ASKED = {"email": "chloe@atelier.example"}


def test_it_gives_the_row_as_sqlalchemy_does(any_fablab):
    with writing() as session:
        session.execute(Membership.__table__.update().values(expires_on=date(2027, 12, 31)))
    asked = ASKED | {"now": clock.now()}

    row = Glance(OF_MEMBER).first(**asked)

    assert tuple(row) == tuple(db.session.execute(OF_MEMBER, asked).one())
    assert row.confirmed_at == clock.now()
    assert row.expires_on == date(2027, 12, 31)
    assert row.names_shown is NamesShown.MEMBERS


def test_it_gives_none_where_there_is_no_row(any_fablab):
    glance = Glance(OF_MEMBER)

    assert glance.first(email="nobody@atelier.example", now=clock.now()) is None
    assert glance.first(**ASKED, now=clock.now()) is not None


def test_it_refuses_values_as_their_columns_do(any_fablab):
    with pytest.raises(ValueError, match="naive"):
        Glance(OF_MEMBER).first(**ASKED, now=clock.now().replace(tzinfo=None))


def test_it_sees_what_is_committed_and_keeps_no_transaction_open(any_fablab):
    glance = Glance(select(Place.name))
    assert glance.first().name == "L'Atelier"

    with writing() as session:
        session.execute(Place.__table__.update().values(name="The Mill"))
        session.flush()
        assert glance.first().name == "L'Atelier"

    assert glance.first().name == "The Mill"


def test_it_is_counted_like_any_other_statement(any_fablab):
    with counting(db.engine) as statements:
        Glance(OF_MEMBER).first(**ASKED, now=clock.now())

    assert len(statements) == 1


def test_what_the_database_refuses_is_told_in_sqlalchemys_words(any_fablab):
    with pytest.raises(DBAPIError, match="no_such_column"):
        Glance(select(text("no_such_column")).select_from(Place)).first()

    assert Glance(select(Place.name)).first().name == "L'Atelier"


def test_a_database_that_cannot_be_reached_is_told_the_same_way(fablab):
    glance = Glance(select(Place.name))
    file = Path(db.engine.url.database)
    db.engine.dispose()
    file.rename(file.with_suffix(".away"))
    file.mkdir()

    with pytest.raises(DBAPIError, match="unable to open"):
        glance.first()

    file.rmdir()
    file.with_suffix(".away").rename(file)
    assert glance.first().name == "L'Atelier"


CUT = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")


def test_a_connection_that_was_cut_is_given_up(make_app):
    glance = Glance(select(func.count(Place.id).label("places")))
    with make_app("postgresql").app_context():
        assert glance.first().places == 0
        url = db.engine.url
        other = create_engine(url.set(database="postgres"))
        with other.connect() as connection:
            connection.execute(CUT, {"name": url.database})
        other.dispose()

        with pytest.raises(DBAPIError) as cut_off:
            glance.first()

        assert cut_off.value.connection_invalidated
        assert glance.first().places == 0
