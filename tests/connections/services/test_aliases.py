"""Another alias: the one before goes on finding the row, until an administrator takes it away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.utils import timezone

from connections import former_aliases, runtime, services
from connections.change_counter import read_change_counter
from connections.lookup import get_by_id_or_alias
from connections.models import AliasUse, Connection, FormerAlias, Profile
from connections.services import Invalid
from tests.fakes import connect, profile_of, reload

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def another_connection(**changes: Any) -> Connection:
    return connect(**{"name": "Old", **changes})


def another_profile(**changes: Any) -> Profile:
    return profile_of(connect(), **{"name": "Old", **changes})


@pytest.fixture(params=[another_connection, another_profile])
def make(request: pytest.FixtureRequest, fake: Any) -> Callable[..., Any]:
    """Makes connections, or profiles; without a name the alias is `old`."""
    return request.param


@pytest.fixture
def row(make: Callable[..., Any]) -> Any:
    return make()


def aliases(row: Any) -> list[str]:
    return [one.alias for one in former_aliases.former_aliases_of(row)]


def found(row: Any, alias: str, by: str = "") -> Any:
    return get_by_id_or_alias(type(row).objects.all(), alias, by)


def codes(refused: Any) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in refused.value.errors]


def test_both_aliases_find_the_row(row: Any, administrator: Any):
    saved = services.change_alias(row, "fresh", actor=administrator)
    assert saved.changed and reload(row).alias == "fresh"
    assert found(row, "fresh") == found(row, "old") == found(row, "OLD") == row
    assert FormerAlias.objects.get().changed_by == administrator


def test_in_use_too(fake: Any):
    row, profile = another_connection(), another_profile()
    services.change_alias(profile, "fresh", actor=None)
    services.change_alias(row, "fresh", actor=None)
    assert runtime.find_connection("old").alias == "fresh"
    assert runtime.find_profile("Old").id == profile.pk
    assert runtime.find_profile("Old").former_alias_id and not (
        runtime.find_profile("fresh").former_alias_id
    )


def test_it_is_the_next_version_and_counts_as_a_change(row: Any, administrator: Any):
    before = read_change_counter()
    services.change_alias(row, "fresh", actor=administrator)
    newest = services.versions(reload(row))[0]
    assert (newest.number, newest.user) == (2, administrator)
    assert newest.changes == ("alias changed from old to fresh",)
    assert read_change_counter() > before


def test_the_same_alias_changes_nothing(row: Any):
    assert not services.change_alias(row, "old", actor=None).changed
    assert reload(row).version == 1 and aliases(row) == []


def test_several_former_aliases_answer(row: Any):
    for alias in ("fresh", "newer"):
        services.change_alias(row, alias, actor=None)
    assert aliases(row) == ["fresh", "old"] and found(row, "old") == found(row, "fresh") == row


def test_a_row_gets_its_former_alias_back(row: Any):
    services.change_alias(row, "fresh", actor=None)
    services.change_alias(row, "old", actor=None)
    assert reload(row).alias == "old" and aliases(row) == ["fresh"]


def test_nothing_else_gets_a_former_alias(row: Any, make: Callable[..., Any]):
    services.change_alias(row, "fresh", actor=None)
    with pytest.raises(Invalid, match="still finds fresh") as refused:
        make(name="Another", alias="old")
    assert codes(refused) == [("alias", "unique")]
    with pytest.raises(Invalid, match="still finds fresh"):
        services.change_alias(make(name="Another"), "old", actor=None)
    assert make(name="Old").alias == "old-2"


def test_what_the_version_before_gave_to_another_row_is_that_rows(
    row: Any, make: Callable[..., Any]
):
    other = make(name="Other")
    FormerAlias.objects.create(alias="other", **{row._meta.model_name: row})
    assert found(row, "other") == other
    services.change_alias(other, "fresh", actor=None)
    assert found(row, "other") == other and aliases(row) == []


def test_each_kind_has_its_own_aliases(fake: Any):
    services.change_alias(another_connection(), "fresh", actor=None)
    assert another_profile(alias="old").alias == "old"
    assert found(another_profile(alias="fresh"), "old").alias == "old"


def test_one_that_became_a_former_alias_after_the_look_is_refused(
    row: Any, make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    services.change_alias(row, "fresh", actor=None)
    monkeypatch.setattr("connections.services.base._new_alias_errors", lambda *_: [])
    with pytest.raises(Invalid, match="still finds fresh"):
        make(name="Another", alias="old")
    with pytest.raises(IntegrityError):
        copy = type(row)(**{one.attname: getattr(row, one.attname) for one in row._meta.fields})
        copy.pk, copy.alias = None, "old"
        copy.id = type(row)().id
        services.save_versions([copy], None)


@pytest.mark.parametrize(
    ("alias", "code"),
    [
        ("", "required"),
        ("Not An Alias", "invalid"),
        ("fresh\n-", "invalid"),
        ("a\x00", "invalid"),
        ("a" * 101, "max_length"),
        ("add", "reserved"),
        ("7f1f4c1e-6f0b-4c8e-9d43-2a7c1b0d5e11", "reserved"),
        ("other", "unique"),
    ],
)
def test_what_no_alias_can_be_is_refused(row: Any, make: Callable[..., Any], alias: str, code: str):
    make(name="Other")
    with pytest.raises(Invalid) as refused:
        services.change_alias(row, alias, actor=None)
    assert codes(refused) == [("alias", code)]
    assert reload(row).version == 1 and aliases(row) == []


def test_whoever_saw_another_version_is_refused(row: Any):
    with pytest.raises(services.Stale):
        services.change_alias(row, "fresh", actor=None, expected_version=7)


@pytest.mark.parametrize("who", ["operator", "viewer", "stranger", "nobody"])
def test_nobody_but_an_administrator_changes_it(row: Any, request: Any, who: str):
    actor = request.getfixturevalue(who)
    with pytest.raises(PermissionDenied, match="may not change an alias"):
        services.change_alias(row, "fresh", actor=actor)
    services.change_alias(row, "fresh", actor=None)
    with pytest.raises(PermissionDenied):
        services.remove_former_alias(FormerAlias.objects.get(), actor=actor)


def test_one_that_is_taken_away_finds_nothing_and_is_free(
    row: Any, make: Callable[..., Any], administrator: Any
):
    services.change_alias(row, "fresh", actor=administrator)
    before = read_change_counter()
    former = FormerAlias.objects.get()
    assert services.remove_former_alias(former, actor=administrator).changed
    assert found(row, "old") is None and read_change_counter() > before
    assert services.versions(reload(row))[0].changes == ("no longer found by the former alias old",)
    assert make(name="Another", alias="old").alias == "old"
    assert not services.remove_former_alias(former, actor=administrator).changed


def test_they_go_with_their_row(fake: Any):
    row, profile = another_connection(), another_profile()
    for one in (row, profile):
        services.change_alias(one, "fresh", actor=None)
        assert found(one, "old", by="ada") == one
    services.delete_profile(profile, actor=None)
    services.delete_connection(row, actor=None)
    assert not FormerAlias.objects.exists() and not AliasUse.objects.exists()


def test_an_edit_that_names_a_former_alias_goes_on(fake: Any):
    row, profile = another_connection(), another_profile()
    services.change_alias(row, "fresh", actor=None)
    services.change_alias(profile, "fresh", actor=None)
    assert services.update_connection(row, actor=None, alias="old", name="X").row.alias == "fresh"
    assert services.update_profile(profile, actor=None, alias="old", name="X").row.alias == "fresh"
    for alias in ("another", "production"):
        with pytest.raises(Invalid, match="administrator changes an alias") as refused:
            services.update_connection(row, actor=None, alias=alias)
        assert codes(refused) == [("alias", "immutable")]


# Who asks


def uses(row: Any) -> list[str]:
    return [use.used_by for one in former_aliases.former_aliases_of(row) for use in one.uses.all()]


def test_who_asks_by_a_former_alias_is_noted_and_nobody_else(row: Any):
    services.change_alias(row, "fresh", actor=None)
    for alias, by in (("fresh", "vera"), (str(row.pk), "olaf"), ("old", ""), ("old", "ada")):
        assert found(row, alias, by) == row
    assert uses(row) == ["ada"]


def test_a_second_use_within_a_minute_writes_nothing(
    row: Any, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
):
    services.change_alias(row, "fresh", actor=None)
    former = FormerAlias.objects.get()
    former_aliases.note_use(former, "ada")
    with django_assert_num_queries(0):
        former_aliases.note_use(former, "ada")
    first = AliasUse.objects.get().last_used_at
    monkeypatch.setattr(former_aliases.cache, "add", lambda *_: True)
    former_aliases.note_use(former, "ada")
    assert AliasUse.objects.get().last_used_at > first


def test_a_use_is_no_change_of_what_is_remembered(row: Any):
    services.change_alias(row, "fresh", actor=None)
    before = read_change_counter()
    assert found(row, "old", "ada") == row
    assert uses(row) == ["ada"] and read_change_counter() == before


def test_a_use_of_one_that_is_taken_away_meanwhile_is_let_go(row: Any):
    services.change_alias(row, "fresh", actor=None)
    former = FormerAlias.objects.get()
    former_aliases.note_uses([(former.pk, "x" * 400, timezone.now())])
    assert uses(row) == ["x" * 300]
    services.remove_former_alias(former, actor=None)
    former_aliases.note_use(former, "ada")
    assert not AliasUse.objects.exists()


def test_lately_is_thirty_days(row: Any):
    services.change_alias(row, "fresh", actor=None)
    former, now = FormerAlias.objects.get(), timezone.now()
    former_aliases.note_uses(
        [(former.pk, "ada", now - timedelta(days=1)), (former.pk, "olaf", now - timedelta(days=31))]
    )
    assert [one.used_by for one in former_aliases.lately_used(former)] == ["ada"]


def test_python_code_on_this_server_is_named(fake: Any):
    row = another_connection()
    services.change_alias(row, "fresh", actor=None)
    runtime.find_connection("old")
    assert uses(row) == ["Python code on this server"]
