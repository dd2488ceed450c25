"""The use of the rows of a list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connections.models import Connection, Profile
from connections.recent_use import recent_use
from gateway.usage.counting import count_all
from tests.fakes import connect, profile_of
from tests.gateway.records import used as record
from tests.people import browser

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def used(fake) -> Profile:
    """A profile that was asked twice today, once three days ago, and once too long ago."""
    profile = profile_of(connect(name="Busy"), name="Busy profile")
    connect(name="Idle")
    for days in (0, 0, 3, 7):
        at = timezone.now() - timedelta(days=days)
        names = {"profile_alias": profile.alias, "connection_alias": profile.connection.alias}
        record(profile_id=profile.pk, connection_id=profile.connection_id, started_at=at, **names)
    count_all()
    return profile


@pytest.mark.parametrize("model", [Connection, Profile])
def test_the_use_of_a_row_is_told_by_days(used: Profile, model):
    row = used.connection if model is Connection else used
    use = recent_use(model, {row.pk: row.alias})[row.pk]
    assert (use.number, use.by_day) == (3, (0, 0, 0, 1, 0, 0, 2))
    assert use.points.startswith("0,16.0 ") and use.points.endswith(" 40,0.0")


@pytest.mark.parametrize("where", ["connections", "profiles"])
def test_lists_show_use_and_are_sorted_by_it(used: Profile, administrator, where: str):
    profile_of(Connection.objects.get(name="Idle"), name="Aside")
    answer = browser(administrator).get(f"/{where}/?sort=-used")
    assert next(iter(answer.context["page"])).name.startswith("Busy")
    assert "3 requests to Busy" in answer.text


def test_who_may_not_see_usage_neither_sees_nor_sorts_by_it(used: Profile, viewer):
    viewer.groups.first().permissions.remove(
        *viewer.groups.first().permissions.filter(codename="view_usagerecord")
    )
    answer = browser(viewer).get("/connections/?sort=used")
    assert "requests to Busy" not in answer.text and answer.context["sort"] == "name"
