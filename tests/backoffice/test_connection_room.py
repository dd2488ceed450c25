"""The check of what an instance takes of PostgreSQL's connections."""

from typing import Any

import pytest
from django.db import connection

from backoffice.postgresql.checks import check_room

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def test_room_for_two_instances_is_enough():
    assert check_room() == []


def test_an_instance_that_may_take_all_is_told_how_many_fit(settings: Any):
    settings.WEB_CONCURRENCY = 1000
    found = check_room()
    assert bool(found) == (connection.vendor == "postgresql")
    assert all("11000 connections" in one.msg and "room for 0" in one.msg for one in found)


def test_past_a_pooler_only_listeners_count(settings: Any, monkeypatch: pytest.MonkeyPatch):
    parameters = connection.get_connection_params()
    direct = {
        name: parameters[name] for name in ("dbname", "user", "host", "port") if name in parameters
    }
    monkeypatch.setitem(connection.settings_dict, "DIRECT", direct)
    settings.WEB_CONCURRENCY = 20
    assert check_room() == []
