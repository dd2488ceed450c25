"""What becomes of the profiles of a connection that is switched off."""

from typing import Any

import pytest

from connections import services
from connections.dependent_profiles import dependent_profiles, told_of_switching_off
from tests.fakes import connect, fake, profile_of  # noqa: F401 fixture

pytestmark = pytest.mark.django_db


def stand_in(connection: Any) -> str | None:
    (one,) = [one for one in dependent_profiles(connection) if one.profile.alias == "asked"]
    return one.stand_in.alias if one.stand_in else None


def test_a_fallback_on_another_active_connection_answers(connection):
    other = profile_of(connect(name="Other"), alias="backup")
    profile_of(connection, alias="asked", fallbacks=[other])
    assert stand_in(connection) == "backup"
    assert told_of_switching_off(connection) == "asked is answered by backup."
    services.set_active(other.connection, False, actor=None)
    assert stand_in(connection) is None


def test_however_many_profiles_there_are_two_queries_tell(
    connection, django_assert_max_num_queries
):
    other = profile_of(connect(name="Other"), alias="backup")
    for number in range(5):
        profile_of(connection, alias=f"asked-{number}", fallbacks=[other])
    with django_assert_max_num_queries(2):
        assert all(one.stand_in for one in dependent_profiles(connection))


def test_requests_are_refused_where_the_profile_does_not_move_on(connection):
    other = profile_of(connect(name="Other"), alias="backup")
    settings = {"fallback_on": ["timeout"]}
    profile_of(connection, alias="asked", fallbacks=[other], settings=settings)
    assert stand_in(connection) is None
    assert told_of_switching_off(connection) == "asked is refused."


def test_a_fallback_on_the_same_connection_does_not_help(connection):
    same = profile_of(connection, alias="same")
    profile_of(connection, alias="asked", fallbacks=[same])
    assert stand_in(connection) is None


def test_without_profiles_nothing_is_told(connection):
    assert told_of_switching_off(connection) == ""
