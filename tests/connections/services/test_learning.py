"""What checks learn of ends from a service over TLS, from its lists and from settings."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections import conf, services
from connections.models import Connection, Outlook
from connections.outlooks import Learned, key_end, note_learned
from connections.sources import KeptStore
from connections.sources.base import Dated
from providers import openai_compatible
from providers.core.ends import KeyEnd
from tests.fakes import REFUSED, SECRET, connect, reload
from tests.httpserver import Answer, HttpServer, authority, service_context

pytestmark = pytest.mark.django_db
DAYS = 5
MODELS = {"object": "list", "data": [{"id": "gpt-x", "shutdown_date": "2031-02-03"}]}


@pytest.fixture
def tls() -> Iterator[HttpServer]:
    with HttpServer({"/v1/models": Answer(body=MODELS)}, tls=service_context(DAYS)) as server:
        yield server


def over_tls(server: HttpServer, **more: Any) -> Connection:
    settings = {"base_url": f"{server.url}/v1", "api_key": SECRET, "ca_certificate": authority()[0]}
    return connect("openai-compatible", settings=settings | more)


def days_to(moment: Any) -> float:
    return (moment - timezone.now()) / timedelta(days=1)


def test_a_check_reads_the_certificate_of_the_connection_that_it_makes(tls: HttpServer):
    row = over_tls(tls)
    check = services.test_connection(row, actor=None)
    outlook = Outlook.objects.get()
    assert check.success and [*outlook.certificates] == [tls.host]
    assert int(days_to(outlook.certificate_ends_at)) == DAYS
    assert [*outlook.own_certificates] == ["certificate authority"]
    assert len(tls.requests) == 1


def test_a_check_that_is_refused_reads_the_certificate_all_the_same():
    with HttpServer(default=Answer(401), tls=service_context(DAYS)) as server:
        check = services.test_connection(over_tls(server), actor=None)
    assert (check.code, [*Outlook.objects.get().certificates]) == ("unauthorized", [server.host])


def test_a_list_tells_the_end_of_a_model(tls: HttpServer):
    row = over_tls(tls)
    services.create_profile(row, actor=None, name="A", capability="Chat", model="gpt-x")
    services.test_connection(row, actor=None)
    outlook = Outlook.objects.get()
    assert outlook.loses_models and outlook.profile_models["gpt-x"]["ends"].startswith("2031-02-03")


def test_a_secret_is_nowhere_in_what_was_learned(tls: HttpServer):
    services.test_connection(over_tls(tls), actor=None)
    assert SECRET not in repr(list(Outlook.objects.values()))


def test_nothing_is_written_where_nothing_is_new(tls: HttpServer, django_assert_num_queries: Any):
    row = over_tls(tls)
    provider = services.prepare_check(row)
    assert not isinstance(provider, services.CheckResult)
    learned = services.run_check(provider).learned
    assert learned
    note_learned([(row, learned)])
    with django_assert_num_queries(2):
        note_learned([(row, learned)])


def test_a_check_that_fails_keeps_what_the_vendor_said(fake: Any):
    row = connect(name="Main")
    told = KeyEnd(timezone.now() + timedelta(days=5), "fake.example.com")
    note_learned([(row, Learned(True, told))])
    fake.answer = REFUSED
    services.test_connection(row, actor=None)
    found = key_end(reload(row))
    assert found and found.source == "fake.example.com"


def test_openrouter_is_asked_when_the_key_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(openai_compatible, "OPENROUTER", "127.0.0.1")
    told = {"data": {"label": "sk-or-v1-0e6...1c96", "expires_at": "2031-02-03T10:15:00Z"}}
    answers = {"/v1/models": Answer(body=MODELS), "/v1/key": Answer(body=told)}
    with HttpServer(answers) as server:
        settings = {"base_url": f"{server.url}/v1", "api_key": SECRET}
        row = connect("openai-compatible", settings=settings)
        services.test_connection(row, actor=None)
        assert server.asked("/v1/key")[0].values("authorization") == [f"Bearer {SECRET}"]
    end = key_end(row)
    assert (
        end
        and end.at
        and (end.at.isoformat(), end.source)
        == (
            "2031-02-03T10:15:00+00:00",
            "127.0.0.1 (expires_at)",
        )
    )


def test_an_answer_about_the_key_that_fails_fails_no_check(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(openai_compatible, "OPENROUTER", "127.0.0.1")
    for told in (Answer(500), Answer(body=[]), Answer(body="no JSON")):
        with HttpServer({"/v1/models": Answer(body=MODELS), "/v1/key": told}) as server:
            settings = {"base_url": f"{server.url}/v1", "api_key": SECRET}
            row = connect("openai-compatible", settings=settings)
            assert services.test_connection(row, actor=None).success


def test_an_outlook_goes_with_its_connection(tls: HttpServer):
    row = over_tls(tls)
    services.test_connection(row, actor=None)
    services.delete_connection(reload(row), actor=None)
    assert not Outlook.objects.exists()


class Store:
    """A secret store that tells when what it holds ends."""

    name, depth, cure = "the store", 1, "there"

    def __init__(self, ends_at: datetime | None) -> None:
        self.content = Dated({"ApiKey": SECRET}, ends_at)

    def read(self, _place: tuple[str, ...]) -> Dated:
        return self.content

    def reach(self) -> None:
        """It is there."""


@pytest.mark.parametrize(
    ("stored", "told", "source"), [(5, 9, "the store"), (9, 5, "fake"), (5, None, "the store")]
)
def test_what_ends_first_counts_the_key_or_what_its_store_keeps(
    fake: Any, monkeypatch: pytest.MonkeyPatch, stored: float, told: float | None, source: str
):
    now, left = timezone.now(), timedelta(days=min(stored, told or stored))
    store = KeptStore(Store(now + timedelta(days=stored)), 60)
    monkeypatch.setattr(conf.resolver(), "_sources", (store,))
    end = told and KeyEnd(now + timedelta(days=told), "fake")
    monkeypatch.setattr(fake, "key_end", lambda _self: end, raising=False)
    row = connect(name="Main", settings={"api_key": "$Fake:ApiKey"})
    services.test_connection(row, actor=None)
    assert key_end(reload(row)) == KeyEnd(now + left, source)
