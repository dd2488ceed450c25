"""Moments as pages write them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone

from connections.templatetags.times import distance
from tests.people import browser

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "seconds, words",
    [
        (-59, "just now"),
        (-60, "1 min ago"),
        (-3599, "59 min ago"),
        (-7200, "2 h ago"),
        (-86400, "1 day ago"),
        (-30 * 86400, "30 days ago"),
        (-31 * 86400, "2026-10-28"),
        (59, "in a moment"),
        (180, "in 3 min"),
        (2 * 86400, "in 2 days"),
    ],
)
def test_a_distance_is_said_in_its_largest_unit(seconds, words):
    assert distance(NOON + timedelta(seconds=seconds), NOON) == words


def test_a_moment_is_in_the_current_zone_and_its_title_names_it():
    with timezone.override(ZoneInfo("Europe/Berlin")):
        text = Template("{{ at|moment }}").render(Context({"at": NOON}))
    assert text == (
        '<time datetime="2026-11-28T12:00:00Z" title="2026-11-28 13:00:00 CET">'
        "2026-11-28 13:00</time>"
    )


def test_no_moment_leaves_room_for_a_default_and_a_day_has_no_zone():
    template = Template('{{ none|ago|default:"never" }} {{ day|day }}')
    text = template.render(Context({"none": None, "day": date(2026, 1, 2)}))
    assert text == 'never <time datetime="2026-01-02">2026-01-02</time>'


@pytest.mark.parametrize(
    "zone, shown",
    [("Asia/Kolkata", "Asia/Kolkata"), ("Nowhere/At", "UTC"), ("../etc", "UTC"), ("", "UTC")],
)
def test_pages_are_in_the_zone_of_the_browser(operator, zone, shown):
    client = browser(operator)
    client.cookies["zone"] = zone
    assert f"(all times in {shown})" in client.get("/usage/").text
