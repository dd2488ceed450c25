"""Sections of references that belong to teams: whoever may not name one is refused at every place
where a reference is resolved, before anything is looked up.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command

from connections import conf, runtime, services
from connections.display import reference_states
from connections.health.services import health, named_references
from connections.models import Connection, SectionTeam, Team
from connections.packages import services as packages
from connections.promptflow.services.values import execution_dict
from connections.references import State
from connections.replacement.services import replace_key
from connections.schedule.services.fingerprints import Fingerprints
from connections.schedule.services.planning import _contents
from connections.section_teams import remembering, resolve_now
from connections.selectors import reference_uses
from connections.services import Invalid, NotUndone, Unusable
from connections.standing import viewer_of
from connections.suggestions import reference_names
from connections.viewing import viewing
from gateway.attention.seeing import seen_faults
from providers.core.registry import get_provider
from tests.connections.api.calls import Api, errors, problem
from tests.connections.api.calls import token_of as api_token
from tests.fakes import RecordingSource, connect, profile_of, reload
from tests.pages import words
from tests.people import browser

from .conftest import Teams
from .rows import token_of
from .test_gateway import asked, chat
from .test_packages import fresh, planned

pytestmark = pytest.mark.django_db
KEY = {"api_key": "$Paid:ApiKey"}
VALUE = "fake-key-behind-a-reference"


@pytest.fixture
def source(fake: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingSource]:
    """The only source, which has a key of the section Paid."""
    made = RecordingSource({"paid:apikey": VALUE})
    monkeypatch.setattr(conf, "_sources", lru_cache(lambda: (made,)))
    conf.resolver.cache_clear()
    yield made
    conf.resolver.cache_clear()


@pytest.fixture
def paid(teams: Teams, source: RecordingSource) -> dict[str, Connection]:
    """Connections that name the section, of each belonging, before Red alone gets it."""
    made = {
        name: connect(name=f"Paid {name}", alias=f"paid-{name}", settings=KEY, team=team)
        for name, team in (("red", teams.a), ("blue", teams.b), ("all", None))
    }
    services.limit_section("$Paid:ApiKey", [teams.a], actor=None)
    source.lookups.clear()
    return {name: reload(row) for name, row in made.items()}


def denied(row: Connection, act: Callable[[], Any]) -> str:
    """The message with which a use of this connection is refused."""
    with pytest.raises(Unusable) as refused:
        act()
    assert refused.value.code == "unresolved_reference"
    assert "The section paid belongs to teams" in refused.value.message
    assert "Red" not in refused.value.message
    return refused.value.message


USES: dict[str, Callable[[Connection], Any]] = {
    "settings": runtime.resolved_settings,
    "stored": lambda row: runtime.resolved_settings(runtime.find_connection(row.alias)),
    "provider": lambda row: runtime.get_configured_provider(row, even_inactive=True),
    "models": lambda row: services.list_models(row, actor=None),
    "client": lambda row: services.http_client(row.alias),
    "flows": execution_dict,
}


@pytest.mark.server
@pytest.mark.parametrize("use", USES)
def test_a_use_is_refused_before_the_look_up(
    paid: dict[str, Connection], source: RecordingSource, use: str
):
    for name in ("blue", "all"):
        denied(paid[name], lambda name=name: USES[use](paid[name]))
    assert source.lookups == []
    assert runtime.resolved_settings(paid["red"]).api_key.get_secret_value() == VALUE


def test_a_test_of_what_is_saved_is_refused(
    paid: dict[str, Connection], source: RecordingSource, fake: Any
):
    check = services.test_connection(paid["blue"], actor=None)
    assert (check.success, check.code) == (False, "unresolved_reference")
    assert (source.lookups, fake.asked) == ([], [])
    assert services.test_connection(paid["red"], actor=None).success


def test_kept_models_are_not_served_either(paid: dict[str, Connection], teams: Teams):
    assert services.list_models(paid["red"], actor=None)
    services.limit_section("paid", [teams.b], actor=None)
    denied(paid["red"], lambda: services.list_models(paid["red"], actor=None))


@pytest.mark.parametrize("team", ["blue", None])
def test_saving_and_testing_unsaved_values_are_refused_as_other_denied_references(
    paid: dict[str, Connection], teams: Teams, source: RecordingSource, team: str | None
):
    of = teams.b if team else None
    for act in (
        lambda: connect(name="New", settings=KEY, team=of),
        lambda: services.test_settings("fake", KEY, actor=None, team=of),
        lambda: services.update_connection(paid["blue"], actor=None, settings=KEY),
        lambda: services.duplicate_connection(paid["blue"], actor=None),
        lambda: replace_key(paid["blue"], {"api_key": "$Paid:Other"}, actor=None),
    ):
        with pytest.raises(Invalid) as refused:
            act()
        assert [one.code for one in refused.value.errors] == ["denied_reference"]
    assert source.lookups == []
    assert services.test_settings("fake", KEY, actor=None, team=teams.a).success


def test_what_lost_its_section_can_be_renamed_and_mended(paid: dict[str, Connection]):
    assert services.update_connection(paid["blue"], actor=None, name="Broken").changed
    mended = services.update_connection(
        reload(paid["blue"]), actor=None, settings={"api_key": "fake-key-of-its-own"}
    )
    assert runtime.resolved_settings(reload(mended.row))


def test_an_import_is_judged_by_the_team_it_goes_to(paid: dict[str, Connection], teams: Teams):
    rows = list(Connection.objects.filter(alias="paid-red"))
    content = packages.export_package(rows, [], actor=None)
    services.delete_connection(paid["red"], actor=None)
    boss = teams.people["global administrator"]
    (there,) = planned(boss, content, team=teams.b).values()
    assert there.action == "refuse" and "The section paid belongs to" in " ".join(there.notes)
    (here,) = planned(boss, content, team=teams.a).values()
    assert here.action == "create"


def test_every_list_of_states_tells_it(paid: dict[str, Connection], source: RecordingSource):
    states = {name: reference_states(row)[0].resolution.state for name, row in paid.items()}
    assert states == {"red": State.RESOLVED, "blue": State.DENIED, "all": State.DENIED}
    resolve = remembering()
    labels = {name: health(row, resolve).label for name, row in paid.items()}
    assert (labels["red"], labels["blue"]) == ("Not tested", "Reference denied")
    uses = {use.resolution.state: len(use.uses) for use in reference_uses()}
    assert uses == {State.RESOLVED: 1, State.DENIED: 2}
    named = {one.resolution.state: one.connection_ids for one in named_references()}
    assert named[State.RESOLVED] == {paid["red"].pk}
    assert named[State.DENIED] == {paid["blue"].pk, paid["all"].pk}
    assert set(source.lookups) == {"Paid:ApiKey"}
    (fault,) = [row.fault for row in seen_faults(None) if row.fault.kind == "reference"]
    assert set(fault.connection_ids) == {paid["blue"].pk, paid["all"].pk}


def test_a_plan_of_checks_is_another_one_for_who_lost_the_section(
    paid: dict[str, Connection], teams: Teams
):
    def prints() -> list[Any]:
        resolve = remembering()
        found = _contents()
        return [Fingerprints().of(found[paid[one].pk], {}, resolve) for one in ("red", "blue")]

    before = prints()
    services.limit_section("paid", [teams.a, teams.b], actor=None)
    after = prints()
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


def test_a_variable_is_a_section_of_its_own(teams: Teams, fake: Any, settings: Any):
    settings.CONNECTIONS_REFERENCE_ENV = ["ONE", "OTHER"]
    assert services.limit_section("$Env:ONE", [teams.a], actor=None).name == "env:one"
    found = [
        resolve_now(f"$env:{name}", True, team).state
        for name in ("One", "Other")
        for team in (None, teams.a.pk)
    ]
    assert found == [State.DENIED, State.MISSING, State.MISSING, State.MISSING]
    for text in ("", "env", "a b", "$Env"):
        with pytest.raises(Invalid):
            services.limit_section(text, [teams.a], actor=None)


def test_suggestions_and_lists_name_the_sections_of_one_s_own_teams(
    paid: dict[str, Connection], teams: Teams, source: RecordingSource
):
    def told(name: str) -> tuple[bool, list[str]]:
        who = fresh(teams.people[name])
        with viewing(viewer_of(who)):
            names = reference_names(get_provider("fake"), None)[True]
            found = services.limited_section_list(who)
        return "$Paid:ApiKey" in names, [f"{one.name}: {one}" for one in found]

    assert told("operator") == (True, ["paid: Red"])
    assert told("global operator") == (False, [])
    assert told("global administrator") == (True, ["paid: Red"])
    services.limit_section("paid", [teams.a, teams.b], actor=None)
    assert told("operator") == (True, ["paid: Red and 1 other"])
    assert "$Paid:ApiKey" not in reference_names(get_provider("fake"), paid["all"])[True]


def test_a_move_that_would_lose_a_section_is_refused(
    paid: dict[str, Connection], teams: Teams, source: RecordingSource
):
    with pytest.raises(Invalid, match="The section paid belongs to teams, and Paid red would be"):
        services.move_to_team([paid["red"]], teams.b, actor=None)
    services.move_to_team([paid["blue"]], None, actor=None)  # it lost it before
    services.move_to_team([paid["blue"]], teams.a, actor=None)
    assert runtime.resolved_settings(reload(paid["blue"]))


def test_an_undo_brings_no_lost_section_back(
    paid: dict[str, Connection], teams: Teams, administrator: Any
):
    services.update_connection(
        paid["red"], actor=administrator, settings={"api_key": "fake-key-of-its-own"}
    )
    services.limit_section("paid", [teams.b], actor=None)
    with pytest.raises(NotUndone, match="The section paid belongs to teams"):
        services.undo_last_act(administrator)


@pytest.mark.server
def test_the_end_of_a_team_hands_its_sections_on(paid: dict[str, Connection], teams: Teams):
    services.limit_section("other", [teams.a, teams.b], actor=None)
    services.delete_team(teams.a, actor=None, heir=teams.b)
    found = set(SectionTeam.objects.values_list("section", "team"))
    assert found == {("paid", teams.b.pk), ("other", teams.b.pk)}
    assert runtime.resolved_settings(reload(paid["red"]))


def test_a_team_with_nothing_but_a_section_does_not_end_in_silence(teams: Teams):
    third = services.create_team("Green", actor=None)
    services.limit_section("paid", [third], actor=None)
    services.limit_section("other", [third, teams.a], actor=None)
    with pytest.raises(Invalid, match="has things"):
        services.delete_team(third, actor=None)
    assert services.sections_opened_by(third) == ["paid"]
    services.delete_team(third, actor=None, is_for_all=True)
    assert set(SectionTeam.objects.values_list("section", "team")) == {("other", teams.a.pk)}


def test_what_all_get_may_not_lose_its_section(paid: dict[str, Connection], teams: Teams):
    services.limit_section("paid", [teams.a, teams.b], actor=None)
    with pytest.raises(Invalid, match="Paid red would be of none"):
        services.delete_team(teams.a, actor=None, is_for_all=True)
    assert SectionTeam.objects.count() == 2


def test_a_row_of_a_team_that_is_gone_keeps_the_section_closed(
    paid: dict[str, Connection], source: RecordingSource
):
    """As the version before leaves it, which deletes teams without a look at sections."""
    SectionTeam.objects.update(team=Team().pk)
    denied(paid["red"], lambda: runtime.resolved_settings(paid["red"]))
    assert [one.others for one in services.limited_section_list(None)] == [1]


def test_only_whoever_manages_all_teams_limits_sections(teams: Teams):
    for name in ("administrator", "global operator", "operator"):
        who = fresh(teams.people[name])
        with pytest.raises(PermissionDenied):
            services.limit_section("paid", [teams.a], actor=who)
        with pytest.raises(PermissionDenied):
            services.open_section("paid", actor=who)


def test_the_api_limits_lists_and_opens(
    paid: dict[str, Connection], teams: Teams, source: RecordingSource
):
    boss = Api(api_token(teams.people["global administrator"]))
    put = boss.put("/reference-sections/Paid", {"teams": ["red"]}).json()
    assert (put["section"], put["teams"], put["otherTeams"]) == ("paid", ["Red"], 0)
    assert put["denied"] == ["paid-all", "paid-blue"]
    hers, his = (
        Api(api_token(teams.people["operator"])),
        Api(api_token(teams.people["global viewer"])),
    )
    assert hers.read("/reference-sections")["items"][0]["denied"] == ["paid-all"]
    assert his.read("/reference-sections") == {"total": 0, "items": []}
    problem(hers.put("/reference-sections/paid", {"teams": ["Red"]}), 403)
    new: dict[str, Any] = {
        "name": "New",
        "alias": "fresh-one",
        "providerId": "fake",
        "settings": {"apiKey": "$Paid:ApiKey"},
    }
    unsaved = {"providerId": "fake", "settings": new["settings"]}
    assert hers.post("/connections/test", unsaved).json()["success"]
    assert errors(boss.post("/connections/test", unsaved)) == {
        "/settings/apiKey": "denied_reference"
    }
    assert boss.post("/connections/test", {**unsaved, "team": "Red"}).json()["success"]
    assert errors(boss.post("/connections", new)) == {"/settings/apiKey": "denied_reference"}
    assert boss.delete("/reference-sections/paid").status_code == 204
    assert boss.delete("/reference-sections/paid").status_code == 404
    assert boss.post("/connections", new).status_code == 201


def test_the_page_asks_before_it_takes_a_section_away(
    paid: dict[str, Connection], teams: Teams, source: RecordingSource
):
    boss, page = browser(teams.people["global administrator"]), "/references/sections/"
    body = {"name": "Paid", "teams": [str(teams.b.pk)]}
    asked_first = boss.post(page, body)
    assert "Paid red" in words(asked_first) and "Limit it anyway" in words(asked_first)
    assert SectionTeam.objects.get().team == teams.a
    told = words(boss.post(page, {**body, "sure": "yes"}, follow=True))
    assert "Only Blue may name paid now." in told
    assert "Choose a team." in words(boss.post(page, {"name": "Paid"}))
    lines = boss.get("/references/").context["lines"]
    assert [line.teams for line in lines if "Paid" in line.row.resolution.reference] == ["Blue"] * 2
    boss.post(page, {"name": "paid", "action": "open"})
    assert not SectionTeam.objects.exists()


def test_the_page_of_a_team_says_what_its_end_opens(teams: Teams):
    services.limit_section("paid", [teams.a], actor=None)
    boss = browser(teams.people["global administrator"])
    assert "from then on: paid." in words(boss.get(f"/teams/{teams.a.pk}/delete/"))
    assert "Sections of references" in words(boss.get(f"/teams/{teams.a.pk}/"))


def test_the_command_limits_lists_and_opens(teams: Teams):
    def told(*arguments: str) -> str:
        out = StringIO()
        call_command("team", "section", *arguments, stdout=out, stderr=out)
        return out.getvalue()

    assert told("Paid", "Red", "Blue") == "paid  Blue, Red\n"
    assert told() == told("paid") == "paid  Blue, Red\n"
    told("paid", "--to-all")
    assert told() == ""


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_the_gateway_refuses_from_the_next_request_on(teams: Teams, source: RecordingSource):
    row = connect(name="Paid", alias="paid", settings=KEY, team=teams.a)
    profile_of(row, name="Paid answers", alias="paid-answers", team=teams.a)
    text = token_of(teams.people["operator"])[1]
    assert asked(chat(text, "paid-answers"))[0][0] == 200
    services.limit_section("paid", [teams.b], actor=None)
    source.lookups.clear()
    status, body, _headers = asked(chat(text, "paid-answers"))[0]
    assert (status, source.lookups) == (409, [])
    assert body["error"]["code"] == "unresolved_reference"
