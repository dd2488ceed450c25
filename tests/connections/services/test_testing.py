"""Testing a connection and listing its models."""

import threading
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection as database

from connections import services
from connections.health.services import health
from connections.models import Connection, ConnectionCheck
from providers.core.base import Model
from providers.core.errors import ProviderError
from providers.core.values import CHECK_SECONDS
from providers.http.proxies import Proxies, read_proxy
from tests.fakes import OLDER_KEY, OTHER_SECRET, REFUSED, SECRET, connect, fake_provider, reload
from tests.httpserver import Answer, HttpServer, authority, service_context
from tests.proxyserver import ProxyServer

pytestmark = pytest.mark.django_db
ADDRESS = "https://elsewhere.example.com/v1"


@pytest.mark.server
def test_a_check_that_passes_is_recorded_with_its_version(connection: Connection, operator):
    services.update_connection(connection, actor=None, name="Renamed")
    check = services.test_connection(reload(connection), actor=operator)
    assert (
        check.success,
        check.code,
        check.connection_version,
        check.checked_by,
        check.model_count,
    ) == (True, "ok", 2, operator, 2)
    assert check.asked == "GET https://fake.example.com/v1/models" and check.latency_ms is not None
    assert reload(connection).last_check == check


@pytest.mark.server
def test_a_check_that_fails_is_recorded_with_code_and_sentence(connection: Connection, fake):
    fake.answer = REFUSED
    check = services.test_connection(connection, actor=None)
    assert (check.success, check.code, check.message) == (False, "unauthorized", REFUSED.message)
    assert check.latency_ms is not None and check.model_count is None


def test_a_check_is_no_new_version_and_no_history(connection: Connection):
    modified = connection.date_modified
    services.test_connection(connection, actor=None)
    row = reload(connection)
    assert (row.version, row.history.count(), row.date_modified) == (1, 1, modified)


def test_a_check_waits_ten_seconds_and_repeats_nothing(connection: Connection, fake):
    limits = []
    fake.check = lambda self: limits.append(self.limits) or super(fake, self).check()
    services.test_connection(connection, actor=None)
    assert (
        (limits[0].timeout, limits[0].max_retries, limits[0].seconds)
        == (CHECK_SECONDS, 0, CHECK_SECONDS)
        == (10, 0, 10)
    )


def test_a_check_uses_the_stored_secret(connection: Connection, fake):
    services.test_connection(connection, actor=None)
    assert fake.asked[0].api_key.get_secret_value() == SECRET


def test_an_inactive_connection_can_be_tested(connection: Connection):
    services.set_active(connection, False, actor=None)
    assert services.test_connection(reload(connection), actor=None).success


BROKEN = {
    "unresolved_reference": {"settings": {"api_key": "$Fake:ApiKey"}, "credentials": None},
    "unknown_provider": {"provider_id": "nobody"},
    "invalid_settings": {"settings": {"samples": 99}},
}


@pytest.mark.parametrize(("code", "columns"), BROKEN.items(), ids=BROKEN)
def test_what_cannot_be_used_is_a_failed_check_that_asked_nobody(
    connection: Connection, fake, code: str, columns: dict
):
    Connection.objects.update(**columns)
    check = services.test_connection(reload(connection), actor=None)
    assert (check.success, check.code) == (False, code) and check.message
    assert fake.asked == []


def test_undecryptable_credentials_are_a_failed_check(connection: Connection, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    assert services.test_connection(reload(connection), actor=None).code == "undecryptable"


def test_a_fault_in_a_provider_is_no_outcome(connection: Connection, fake):
    fake.answer = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        services.test_connection(connection, actor=None)
    assert not ConnectionCheck.objects.exists()


def test_after_a_fault_the_next_test_may_run(connection: Connection, fake):
    fake.answer = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        services.test_connection(connection, actor=None)
    fake.answer = []
    assert services.test_connection(connection, actor=None).success


@pytest.mark.server
def test_a_very_long_message_is_cut(connection: Connection, fake):
    fake.answer = ProviderError("x" * 2000)
    assert len(services.test_connection(connection, actor=None).message) == 500


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "It works. 0 models."), (1, "It works. 1 model."), (2, "It works. 2 models.")],
)
def test_a_check_counts_models(connection: Connection, fake, count: int, text: str):
    fake.answer = [Model("m", "M")] * count
    assert services.test_connection(connection, actor=None).message == text


# Badges


def test_a_badge_greys_when_the_settings_changed_after_the_check(connection: Connection):
    services.test_connection(connection, actor=None)
    fresh = health(reload(connection))
    services.update_connection(connection, actor=None, settings={"api_key": "", "samples": "5"})
    changed = health(reload(connection))
    assert (fresh.label, changed.label) == ("Works", "Changed since test")


def test_a_badge_outlives_a_switch_and_another_name(connection: Connection, fake):
    fake.answer = REFUSED
    services.test_connection(connection, actor=None)
    for is_active in (False, True):
        services.set_active(connection, is_active, actor=None)
    services.update_connection(reload(connection), actor=None, name="Another", tags=["new"])
    assert health(reload(connection)).label == "Failed"


def test_a_badge_of_a_failed_check_says_why(connection: Connection, fake):
    fake.answer = REFUSED
    services.test_connection(connection, actor=None)
    badge = health(reload(connection))
    assert (badge.label, badge.tone) == ("Failed", "bad") and REFUSED.message in badge.detail


BADGES = {
    "Not tested": {},
    "Unknown provider": {"provider_id": "nobody"},
    "Cannot decrypt": {"credentials_key": "000000000000"},
    "Reference missing": {"settings": {"spare_key": "$Fake:Spare"}},
    "Reference denied": {"settings": {"organization": "$Fake:ApiKey"}},
    "Reference error": {"settings": {"organization": "$"}},
}


@pytest.mark.parametrize(("label", "columns"), BADGES.items(), ids=BADGES)
def test_configuration_comes_first_in_a_badge(connection: Connection, label: str, columns: dict):
    if columns:
        services.test_connection(connection, actor=None)
        Connection.objects.update(**columns)
    assert health(reload(connection)).label == label


# Values that are not saved


def test_unsaved_values_are_tested_and_nothing_is_recorded(fake):
    outcome = services.test_settings("fake", {"api_key": SECRET, "samples": "3"}, actor=None)
    assert (outcome.success, outcome.code, outcome.model_count) == (True, "ok", 2)
    assert (fake.asked[0].api_key.get_secret_value(), fake.asked[0].samples) == (SECRET, 3)
    assert not Connection.objects.exists() and not ConnectionCheck.objects.exists()


def test_the_stored_secret_is_filled_in(connection: Connection, fake):
    services.test_settings(
        "fake", {"api_key": "", "organization": "org-1"}, actor=None, connection=connection
    )
    assert (fake.asked[0].api_key.get_secret_value(), fake.asked[0].organization) == (
        SECRET,
        "org-1",
    )


def test_an_entered_secret_is_tested_instead_of_the_stored_one(connection: Connection, fake):
    services.test_settings("fake", {"api_key": OTHER_SECRET}, actor=None, connection=connection)
    assert fake.asked[0].api_key.get_secret_value() == OTHER_SECRET
    assert dict(reload(connection).credentials) == {"api_key": SECRET}


def test_an_unsaved_reference_is_resolved(fake, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": SECRET}}
    assert services.test_settings("fake", {"api_key": "$Fake:ApiKey"}, actor=None).success
    assert fake.asked[0].api_key.get_secret_value() == SECRET


def test_an_unresolved_reference_is_not_sent_out_as_text(fake):
    outcome = services.test_settings("fake", {"api_key": "$Fake:ApiKey"}, actor=None)
    assert (outcome.success, outcome.code) == (
        False,
        "unresolved_reference",
    ) and "$Fake:ApiKey is not set" in outcome.message
    assert fake.asked == []


@pytest.mark.parametrize(
    ("posted", "code"),
    [
        ({}, "required"),
        ({"api_key": "***"}, "masked_value"),
        ({"api_key": "$Database:Url"}, "denied_reference"),
    ],
)
def test_unsaved_values_are_judged_as_a_save_would(fake, posted: dict, code: str):
    with pytest.raises(services.Invalid) as caught:
        services.test_settings("fake", posted, actor=None)
    assert [(error.field, error.code) for error in caught.value.errors] == [
        ("settings.api_key", code)
    ]


def test_a_blocked_address_is_refused_in_a_test(fake):
    with pytest.raises(services.Invalid) as caught:
        services.test_settings(
            "fake", {"api_key": "x", "base_url": "http://169.254.169.254/"}, actor=None
        )
    assert caught.value.errors[0].code == "blocked_address" and fake.asked == []


def test_a_test_goes_through_the_proxy_of_the_environment(settings):
    with HttpServer(default=Answer(body={"data": []}), tls=service_context()) as server:
        posted = {
            "base_url": "https://service.example/v1",
            "ca_certificate": authority()[0],
        }
        with ProxyServer(server) as proxy:
            settings.CONNECTIONS_PROXIES = Proxies(https=read_proxy(proxy.url, "HTTPS_PROXY"))
            assert services.test_settings("openai-compatible", posted, actor=None).success
            assert proxy.lines == ["CONNECT service.example:443 HTTP/1.1"]
        found = services.test_settings("openai-compatible", posted, actor=None)
    assert found.code == "refused" and f"Nothing listens at the proxy {proxy.host}" in found.message


def test_undecryptable_credentials_are_told_in_a_test(connection: Connection, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    outcome = services.test_settings("fake", {}, actor=None, connection=reload(connection))
    assert (outcome.success, outcome.code) == (False, "undecryptable")


# Not too often, not at once


@pytest.mark.server
def test_more_tests_than_the_rate_within_a_minute_are_refused(
    connection: Connection, settings, operator
):
    settings.CONNECTIONS_TEST_RATE = 2
    for _ in range(2):
        services.test_connection(connection, actor=operator)
    with pytest.raises(services.Throttled, match="Try again in") as caught:
        services.test_connection(connection, actor=operator)
    assert 0 < caught.value.seconds <= 60


@pytest.mark.server
def test_the_rate_is_each_persons_own(connection: Connection, settings, operator, administrator):
    settings.CONNECTIONS_TEST_RATE = 1
    services.test_connection(connection, actor=operator)
    assert services.test_connection(connection, actor=administrator).success


def test_the_operator_of_the_machine_is_not_throttled(connection: Connection, settings):
    settings.CONNECTIONS_TEST_RATE = 0
    assert services.test_connection(connection, actor=None).success


@pytest.mark.server
@pytest.mark.parametrize("act", ["saved", "unsaved", "bulk", "models"])
def test_every_kind_of_test_counts(connection: Connection, settings, operator, act: str):
    settings.CONNECTIONS_TEST_RATE = 0
    acts: dict[str, Any] = {
        "saved": lambda: services.test_connection(connection, actor=operator),
        "unsaved": lambda: services.test_settings("fake", {"api_key": "x"}, actor=operator),
        "bulk": lambda: services.begin_bulk_test([connection], actor=operator),
        "models": lambda: services.list_models(connection, actor=operator),
    }
    with pytest.raises(services.Throttled):
        acts[act]()


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_one_connection_is_tested_once_at_a_time():
    asked, answer = threading.Event(), threading.Event()
    with fake_provider(list_models=lambda self: (asked.set(), answer.wait(10), [])[-1]):
        row = connect()
        first = threading.Thread(
            target=lambda: (services.test_connection(row, actor=None), database.close())
        )
        first.start()
        assert asked.wait(10)
        with pytest.raises(services.Throttled, match="running already"):
            services.test_connection(row, actor=None)
        answer.set()
        first.join()
        assert services.test_connection(row, actor=None).success


@pytest.mark.server
def test_a_dead_lock_does_not_last(connection: Connection):
    cache.add(f"checking:{connection.pk}", "a process that died", 0.01)
    threading.Event().wait(0.05)
    assert services.test_connection(connection, actor=None).success


# Several at once


# Models


def test_models_are_listed(connection: Connection):
    assert [model.id for model in services.list_models(connection, actor=None)] == [
        "fake-chat",
        "fake-any",
    ]


@pytest.mark.server
def test_models_are_remembered(connection: Connection, fake):
    first = services.list_models(connection, actor=None)
    assert services.list_models(connection, actor=None) == first
    assert len(fake.asked) == 1


def test_models_are_asked_for_again_on_demand(connection: Connection, fake):
    services.list_models(connection, actor=None)
    services.list_models(connection, actor=None, refresh=True)
    assert len(fake.asked) == 2


@pytest.mark.server
def test_models_of_another_version_are_asked_for_again(connection: Connection, fake):
    services.list_models(connection, actor=None)
    services.update_connection(connection, actor=None, settings={"api_key": OTHER_SECRET})
    services.list_models(reload(connection), actor=None)
    assert [one.api_key.get_secret_value() for one in fake.asked] == [SECRET, OTHER_SECRET]


def test_models_that_could_not_be_listed_are_not_remembered(connection: Connection, fake):
    fake.answer = REFUSED
    with pytest.raises(ProviderError):
        services.list_models(connection, actor=None)
    fake.answer = [Model("new", "New")]
    assert [model.id for model in services.list_models(connection, actor=None)] == ["new"]
