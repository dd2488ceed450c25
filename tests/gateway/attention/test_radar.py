"""The radar: what ends, with the days that are left, and its cure."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections import services as connection_services
from connections.health.services import with_health
from connections.models import AccessToken, ApiToken, Connection, Outlook
from connections.outlooks import Learned, end_in_words, note_learned
from connections.outlooks import key_end as end_of
from connections.references import Resolution, State
from connections.resolving import Resolver
from connections.sources import KeptStore
from gateway.attention import services
from gateway.attention.lines import Line, lines
from providers.core.base import Model
from providers.core.ends import KeyEnd
from providers.core.env_file import FROM_FILE
from tests.fakes import OTHER_SECRET, connect, profile_of, reload
from tests.people import browser

from ...connections.api.calls import Api, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect(name="Main")


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days, minutes=1)


def shown(**filters: Any) -> list[Line]:
    return lines(services.attention(actor=None, **filters).rows)


def told() -> list[tuple[str, str, str, str]]:
    return [
        (one.ranked.fault.kind, one.told.title, one.when, one.ranked.fault.severity)
        for one in shown()
    ]


def learn(row: Connection, **learned: Any) -> None:
    note_learned([(reload(row), Learned(True, **learned))])


def key_end(days: float) -> KeyEnd:
    return KeyEnd(in_days(days), "api.example.com (expires_at)")


@pytest.mark.parametrize(
    ("days", "severity"),
    [(29, "info"), (13, "warning"), (6, "warning"), (0.5, "critical"), (-3, "critical")],
)
def test_the_nearer_the_end_of_a_key_the_worse(row: Connection, days: float, severity: str):
    learn(row, key_end=key_end(days))
    (line,) = shown()
    assert line.ranked.fault.severity == severity
    assert line.ranked.fault.is_near == (severity == "critical")


@pytest.mark.parametrize(
    ("days", "words"),
    [(31, ""), (5, "Key ends in 5 days"), (0.5, "Key ends within a day"), (-3, "Key ended")],
)
def test_a_row_of_the_list_says_when_its_key_ends(
    row: Connection, administrator: Any, django_assert_num_queries: Any, days: float, words: str
):
    learn(row, key_end=key_end(days))
    (listed,) = with_health(Connection.objects.listed())
    with django_assert_num_queries(0):
        assert end_in_words(end_of(listed)) == words
    (item,) = Api(token_of(administrator)).get("/connections").json()["items"]
    assert datetime.fromisoformat(item["keyEndsAt"]) == Outlook.objects.get().key_ends_at


def test_an_end_of_another_key_counts_for_nothing_and_an_entered_day_does(row: Connection):
    learn(row, key_end=key_end(5))
    day = (timezone.now() + timedelta(days=9)).date()
    settings = {"api_key": OTHER_SECRET}
    connection_services.update_connection(
        row, actor=None, settings=settings, merge=True, expires_at=day
    )
    ends = [end_of(one) for one in (reload(row), *with_health(Connection.objects.listed()))]
    assert [one and one.at and one.at.date() for one in ends] == [day, day]


def test_an_end_that_is_far_is_not_told(row: Connection):
    learn(row, key_end=key_end(31))
    assert told() == []


def test_the_days_of_the_radar_are_a_setting(row: Connection, settings: Any):
    settings.CONNECTIONS_RADAR_DAYS = [60, 2]
    learn(row, key_end=key_end(50))
    assert told() == [("key", "Main", "in 50 days", "warning")]


def test_a_key_with_a_date_is_told_with_its_cure(row: Connection):
    day = (timezone.now() + timedelta(days=5)).date()
    connection_services.update_connection(row, actor=None, expires_at=day)
    (line,) = shown()
    assert line.told.cause.startswith(f"The key ends on {day}. Somebody entered it.")
    assert [one.action for one in line.cures] == ["enter_key"]
    assert line.when == "in 5 days"


def test_a_key_whose_date_is_over_is_a_fault_of_today(row: Connection):
    day = (timezone.now() - timedelta(days=3)).date()
    connection_services.update_connection(row, actor=None, expires_at=day)
    (line,) = shown()
    assert (line.label, line.ranked.fault.is_near) == ("Key ended", True)
    assert line.told.cause.startswith("The key's date is over")
    assert line.when == "2 days ago"


def test_what_the_vendor_says_wins_over_what_was_entered(row: Connection):
    day = (timezone.now() + timedelta(days=5)).date()
    connection_services.update_connection(row, actor=None, expires_at=day)
    learn(row, key_end=key_end(12))
    (line,) = shown()
    assert line.when == "in 12 days"
    assert "api.example.com (expires_at) says so." in line.told.cause
    learn(row, key_end=KeyEnd(None, "api.example.com (expires_at)"))
    assert [one.when for one in shown()] == ["in 5 days"]


def test_what_the_vendor_said_of_the_key_before_is_over_with_it(row: Connection):
    learn(row, key_end=key_end(5))
    connection_services.update_connection(
        row, actor=None, settings={"api_key": OTHER_SECRET}, merge=True
    )
    assert told() == []


def test_a_snoozed_end_comes_back_at_the_next_step(row: Connection):
    learn(row, key_end=key_end(12))
    (line,) = shown()
    connection_services.update_connection(row, actor=None, name="Main")
    services.snooze(
        line.ranked.fault.key,
        reason="Ordered",
        until=timezone.now() + timedelta(days=30),
        actor=None,
    )
    assert shown() == []
    end = Outlook.objects.get().key_ends_at
    Outlook.objects.update(key_ends_at=end and end - timedelta(days=6))
    assert len(shown()) == 1


def test_a_switched_off_connection_has_no_ends(row: Connection):
    learn(row, key_end=key_end(5), certificates={"a.example": in_days(5)})
    connection_services.set_active(row, False, actor=None)
    assert told() == []


def test_the_certificate_of_a_host_is_one_line_for_all_that_ask_it(row: Connection):
    others = [connect(name=f"Other {number}") for number in range(3)]
    for one in (row, *others):
        learn(one, certificates={"api.example.com": in_days(5)})
    (line,) = shown()
    assert (line.told.title, line.when) == ("api.example.com", "in 5 days")
    assert len(line.ranked.fault.connection_ids) == 4
    assert [one.action for one in line.cures] == ["open_connections", "test"]


def test_a_certificate_that_one_connection_saw_renewed_is_renewed(row: Connection, settings: Any):
    learn(row, certificates={"api.example.com": in_days(5)})
    learn(connect(name="Other"), certificates={"api.example.com": in_days(20)})
    assert [one.when for one in shown()] == ["in 20 days"]


def test_a_certificate_of_the_settings_is_told_of_its_connection(row: Connection):
    learn(row, own_certificates={"client certificate": in_days(3)})
    (line,) = shown()
    assert line.told.title == "Main" and "client certificate in the settings" in line.told.cause
    assert [one.action for one in line.cures] == ["test", "edit"]


def listed(*names: str, **ends: datetime) -> tuple[Model, ...]:
    return tuple(Model(name, name, ends_at=ends.get(name)) for name in names)


def test_a_model_that_two_lists_lack_is_told_with_its_profiles(row: Connection):
    profile = profile_of(row, model="gpt-x", name="Answers")
    profile_of(row, model="gpt-x", name="Questions")
    learn(row, models=listed("gpt-x", "gpt-y"))
    learn(row, models=listed("gpt-y"))
    before = told()
    learn(row, models=listed("gpt-y"))
    (line,) = shown()
    assert before == [] and line.label == "Model not listed"
    assert line.told.cause == (
        "gpt-x is not listed any more by Main: profiles Answers, Questions. Choose another model."
    )
    assert [one.address for one in line.cures] == [f"/profiles/{profile.pk}/edit/"]
    assert line.ranked.hit.profiles == 2


@pytest.mark.parametrize(
    "later",
    [listed("gpt-y"), listed("gpt-x:free"), ()],
    ids=["never listed", "only as a variant", "an empty list"],
)
def test_a_name_that_was_never_listed_raises_no_alarm(row: Connection, later: Any):
    profile_of(row, model="gpt-x")
    for _ in range(4):
        learn(row, models=later)
    assert told() == []


def test_an_empty_or_failed_list_raises_no_alarm(row: Connection):
    profile_of(row, model="gpt-x")
    learn(row, models=listed("gpt-x"))
    for _ in range(4):
        learn(row)
        note_learned([(reload(row), Learned())])
    assert told() == []


def test_a_model_that_is_listed_again_is_no_fault(row: Connection):
    profile_of(row, model="llama")
    for models in (listed("llama:latest"), listed("b"), listed("b"), listed("llama:latest")):
        learn(row, models=models)
    assert told() == []


def test_a_model_that_its_profile_does_not_name_any_more_is_no_fault(row: Connection):
    profile = profile_of(row, model="gpt-x")
    for models in (listed("gpt-x"), listed("b"), listed("b")):
        learn(row, models=models)
    connection_services.update_profile(profile, actor=None, model="b")
    assert told() == []


def test_the_end_of_a_model_that_the_vendor_tells_is_told(row: Connection):
    profile_of(row, model="old", name="Answers")
    learn(row, models=listed("old", old=in_days(10)))
    (line,) = shown()
    assert (line.label, line.when, line.ranked.fault.severity) == (
        "Model ends",
        "in 10 days",
        "warning",
    )
    assert "old ends on" in line.told.cause and "profile Answers" in line.told.cause


def access(row: Connection, **columns: Any) -> None:
    AccessToken.objects.create(connection=row, key="k", expires_at=in_days(0.01), **columns)


def test_an_access_that_could_not_be_renewed_is_told(row: Connection):
    access(row, failed_at=timezone.now(), failure="unauthorized")
    (line,) = shown()
    assert line.label == "Not renewed" and "(unauthorized)" in line.told.cause
    assert [one.action for one in line.cures] == ["test", "enter_key"]


def test_the_end_of_a_refresh_token_is_told(row: Connection):
    access(row, refresh_ends_at=in_days(4))
    assert told() == [("access", "Main", "in 4 days", "warning")]


def test_the_api_tells_days_words_and_severity(row: Connection, administrator: Any):
    learn(row, key_end=key_end(5))
    item = Api(token_of(administrator)).read("/attention?kind=key")["items"][0]
    assert (item["daysLeft"], item["when"], item["severity"]) == (5, "in 5 days", "warning")
    assert datetime.fromisoformat(item["since"]).astimezone(UTC) > timezone.now()


def test_the_page_and_the_dashboard_show_the_days(row: Connection, administrator: Any):
    learn(row, key_end=key_end(5))
    client: Client = browser(administrator)
    for page in ("/attention/", "/attention/?kind=key", "/"):
        assert "in 5 days</time>" in client.get(page).content.decode()


def test_as_many_queries_for_one_as_for_many(row: Connection, django_assert_max_num_queries: Any):
    def everything(one: Connection) -> None:
        profile_of(one, model="old", name=f"Of {one.name}")
        host = f"{one.alias}.example"
        models = listed("old", old=in_days(9))
        learn(one, key_end=key_end(5), certificates={host: in_days(5)}, models=models)
        access(one, refresh_ends_at=in_days(3))

    everything(row)
    counted = []
    for number in (0, 6):
        for one in range(number):
            everything(connect(name=f"Other {one}"))
        with django_assert_max_num_queries(40) as queries:
            assert len(shown()) == 4 * (number + 1)
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_a_value_that_is_gone_from_the_env_file_is_lost_at_a_restart(
    fake: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings.ENV_FILE = tmp_path / ".env"
    settings.ENV_FILE.write_text("Fake__ApiKey=a-value\n")
    monkeypatch.setenv("Fake__ApiKey", "a-value")
    monkeypatch.setenv(FROM_FILE, "Fake__ApiKey")
    connect(name="Main", settings={"api_key": "$Fake:ApiKey"})
    before = shown()
    settings.ENV_FILE.write_text("")
    (line,) = shown()
    assert before == [] and (line.label, line.told.title) == ("Lost at a restart", "$Fake:ApiKey")
    assert line.cures[0].action == "open_reference"


def test_the_end_of_a_store_s_token_is_told(fake: Any, monkeypatch: pytest.MonkeyPatch):
    store = KeptStore(EndingStore(), 60)
    connect(name="Main", settings={"api_key": "$Fake:ApiKey"})
    resolution = Resolution("$Fake:ApiKey", State.RESOLVED, store.name)
    monkeypatch.setattr(Resolver, "resolve", lambda *_: resolution)
    monkeypatch.setattr(Resolver, "stores", (store,))
    (line,) = shown()
    assert (line.label, line.told.title, line.when) == (
        "Source: token ends",
        "Vault at vault.example",
        "in 3 days",
    )


def test_a_renewed_token_is_told_only_while_it_is_used_later_than_the_new_one(operator: Any):
    old, _ = connection_services.create_token(
        "CI", user=operator, actor=None, scopes=["connections:read"]
    )
    row, _ = connection_services.renew_token(old, actor=None, overlap_hours=24)
    assert not shown()
    for moment, is_told in ((1, True), (2, False)):
        used = ApiToken.objects.filter(pk=(old if is_told else row).pk)
        used.update(last_used_at=in_days(moment / 100))
        assert [one.told.cause.partition("UTC. ")[2] for one in shown()] == (
            ["It was renewed, and is still used: give its program the new one."] if is_told else []
        )


def test_tokens_without_an_end_and_unused_ones_are_told_together(
    administrator: Any, operator: Any, settings: Any
):
    for _ in range(2):
        token_of(administrator, "connections:read", expires_in_days=300)
    assert not shown()
    ApiToken.objects.update(expires_at=None, idle_from=in_days(-91))
    assert told() == [
        ("endless", "2 tokens never end", "", "info"),
        ("idle", "2 unused tokens", "", "info"),
    ]
    assert not services.attention(actor=operator).rows
    settings.CONNECTIONS_TOKEN_DAYS_LONGEST = settings.CONNECTIONS_TOKEN_UNUSED_DAYS = 0
    assert not shown()


class EndingStore:
    """A store whose token ends."""

    name, depth, cure = "Vault at vault.example", 1, "there"

    @property
    def ends(self) -> dict[str, datetime]:
        return {"token": in_days(3)}
