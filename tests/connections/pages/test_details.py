"""The pages of a connection and of a profile: state, cure, attempts, changes."""

from typing import Any

import pytest
from django.utils import timezone

from connections import services
from connections.health.services import Call, note_calls
from connections.models import Connection
from tests.fakes import OTHER_SECRET, SECRET, connect, profile_of, reload
from tests.pages import html, words
from tests.people import browser

pytestmark = pytest.mark.django_db


def test_changes_are_told_field_by_field_without_secrets(
    administrator: Any, connection: Connection
):
    services.update_connection(
        connection,
        actor=administrator,
        name="Renamed",
        settings={"api_key": OTHER_SECRET, "organization": "org-1", "spare_key": "$Fake:Key"},
    )
    response = browser(administrator).get(connection.get_absolute_url())
    text = words(response)
    assert "name: Production → became Renamed" in text
    assert "api_key: *** → became ***" in text
    assert "spare_key: nothing → became $Fake:Key" in text
    assert "organization: nothing → became org-1" in text
    assert SECRET not in html(response) and OTHER_SECRET not in html(response)


def test_a_refused_key_has_its_cures_on_the_page(operator: Any, connection: Connection):
    profile = profile_of(connection, name="Support")
    stand_in = profile_of(connect(name="Second"), name="Backup")
    services.update_profile(profile, actor=operator, fallbacks=[stand_in])
    now = timezone.now()
    version = reload(connection).version
    note_calls([Call(connection.pk, version, "fake-chat", now, "unauthorized", 401, "Refused.")])
    text = html(browser(operator).get(connection.get_absolute_url()))
    assert 'aria-label="Replace the key: Production"' in text
    assert 'aria-label="Switch to fallback: Production"' in text


def test_who_may_change_nothing_is_offered_no_cure(viewer: Any, connection: Connection):
    call = Call(connection.pk, connection.version, "m", timezone.now(), "unauthorized", 401, "No.")
    note_calls([call])
    text = html(browser(viewer).get(connection.get_absolute_url()))
    assert "Failing" in text and "Replace the key" not in text


def test_a_profile_shows_its_attempts_in_order(operator: Any, connection: Connection):
    profile = profile_of(connection, name="Support")
    stand_in = profile_of(connect(name="Second"), name="Backup")
    services.update_profile(profile, actor=operator, fallbacks=[stand_in])
    text = words(browser(operator).get(profile.get_absolute_url()))
    first, second = text.index("1 Support Production"), text.index("2 Backup Second")
    assert first < second and "Not tested 0 0 0" in text
