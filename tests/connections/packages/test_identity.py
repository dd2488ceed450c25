"""For any connection of any provider: export, delete, import makes the same row, and exporting that
makes the same documents.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connections import services
from connections.credentials import looks_masked
from connections.models import Connection
from connections.packages import services as package_services
from connections.packages.format.files import read_package
from connections.packages.services import Decisions
from connections.services import Invalid
from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields
from tests.providers.manifests.shipped import SETTINGS
from tests.providers.samples import PROVIDERS, SHIPPED, of_each_kind

pytestmark = pytest.mark.django_db
PASSPHRASE = "correct horse battery staple"
EVERY = PROVIDERS | SHIPPED
TRICKY = [
    "no",
    "1e5",
    "~",
    "0x1F",
    "2020-01-01",
    "- a",
    "a: b",
    "#c",
    "'",
    '"',
    "<<",
    "$$x",
    "$$",
    "=",
    "ä€😀",
    "a\x85b",
    "\u2028x",
    "%",
    "{}",
]
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
TEXT = st.sampled_from(TRICKY) | ANY.filter(lambda text: not text.strip().startswith("$"))
KEYS = st.from_regex(
    r"[A-Za-z0-9_.ä€-]([A-Za-z0-9_. ä€:#-]{0,10}[A-Za-z0-9_.ä€-])?", fullmatch=True
) | st.sampled_from(["placeholder", "1", "no"])
ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


def value_of(field: SettingsField, section: str) -> st.SearchStrategy[Any]:
    """What somebody could store in a setting; not all of it is valid."""
    reference = st.sampled_from([f"${section}:ApiKey", f"${section}:Other:Key"])
    if field.kind in ("map", "secret_map"):
        return st.dictionaries(KEYS, TEXT | reference, max_size=4)
    if field.kind == "headers":
        return (
            st.dictionaries(st.from_regex(r"X-[A-Za-z]{1,8}", fullmatch=True), ASCII, max_size=3)
            | reference
        )
    if field.secret:
        return (
            reference
            | (TEXT | ASCII if field.free else ASCII.map(lambda text: text.replace("$", "s")))
            | st.just("$$key")
        )
    if field.choices:
        return st.sampled_from([choice for choice, _ in field.choices])
    if field.address:
        return st.sampled_from(
            ["https://api.example.com", "https://api.example.com:8443/v1/ä", "http://10.1.2.3/x"]
        )
    kinds = {
        "boolean": st.booleans(),
        "integer": st.integers(0, 10),
        "number": st.floats(0.1, 10) | st.integers(1, 10),
    }
    return kinds.get(field.kind, TEXT | reference)


@st.composite
def connections(draw: st.DrawFn, provider: type[Provider[Any]]) -> dict[str, Any]:
    """The arguments of a connection."""
    fields = settings_fields(provider)
    good = draw(st.sampled_from(SETTINGS[provider.id])) if provider.id in SHIPPED else {}
    asked = [
        one
        for name, one in fields.items()
        if (one.required and name not in good) or draw(st.booleans())
    ]
    given_ = {**good, **{one.name: draw(value_of(one, provider.section)) for one in asked}}
    name = draw(ANY.filter(lambda text: text.strip() != ""))
    tags = draw(
        st.lists(st.from_regex(r"[a-zä€#:-]{1,9}( [a-z]{1,3})?", fullmatch=True), max_size=3)
    )
    return {"name": name, "tags": tags, "is_active": draw(st.booleans()), "settings": given_}


def created(provider_id: str, values: dict[str, Any]) -> Connection | None:
    """The row, without those settings that are refused; None when nothing is left of it."""
    for _ in range(6):
        try:
            return services.create_connection(provider_id, actor=None, **values).row
        except Invalid as error:
            wrong = {one.field.removeprefix("settings.").partition(".")[0] for one in error.errors}
            rest = {name: value for name, value in values["settings"].items() if name not in wrong}
            if rest == values["settings"]:
                rest = _sample(provider_id) | rest
            if rest == values["settings"]:
                return None
            values = values | {"settings": rest}
    return None


def _sample(provider_id: str) -> dict[str, Any]:
    """What is required, as references where a pattern could refuse a text."""
    if provider_id in SHIPPED:
        return dict(SETTINGS[provider_id][0])
    provider, found = PROVIDERS[provider_id], {}
    for name, one in settings_fields(provider).items():
        if one.required or one.required_when_shown:
            plain = {
                "integer": 1,
                "number": 1.0,
                "boolean": False,
                "map": {"a": "b"},
                "secret_map": {"a": "b"},
            }
            other = one.choices[0][0] if one.choices else f"${provider.section}:Value"
            found[name] = (
                "https://api.example.com"
                if one.address and one.required
                else plain.get(one.kind, other)
            )
    return found or {"secrets": {"a": "b"}} if provider_id == "custom" else found


def columns(row: Connection) -> dict[str, Any]:
    names = (
        "id",
        "alias",
        "name",
        "provider_id",
        "is_active",
        "tags",
        "settings",
        "credentials",
        "lacking",
        "type_version",
    )
    return {name: getattr(row, name) for name in names}


def documents(content: bytes) -> Iterator[Any]:
    found = read_package(content)
    return iter((found.connections, found.profiles, found.types, found.manifest.types))


@pytest.mark.parametrize("provider_id", of_each_kind(EVERY))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_export_and_import_are_the_identity(provider_id, data):
    row = created(provider_id, data.draw(connections(EVERY[provider_id])))
    if row is None:
        return
    try:
        row.refresh_from_db()
        before, version = columns(row), row.version
        bare = package_services.export_package([row], actor=None)
        sealed = package_services.export_package([row], actor=None, passphrase=PASSPHRASE)
        for content, passphrase in ((bare, ""), (sealed, ""), (sealed, PASSPHRASE)):
            done = package_services.import_package(content, actor=None, passphrase=passphrase)
            assert done.is_noop and done.items[0].state == "identical", done.items[0]
        assert Connection.objects.get().version == version
        Connection.objects.all().delete()
        package_services.import_package(sealed, actor=None, passphrase=PASSPHRASE)
        assert columns(Connection.objects.get()) == before
        assert list(
            documents(package_services.export_package(Connection.objects.all(), actor=None))
        ) == list(documents(bare))
        Connection.objects.all().delete()
        _without_secrets(bare, before)
    finally:
        Connection.objects.all().delete()


def _without_secrets(bare: bytes, before: dict[str, Any]) -> None:
    """All but the literals comes back, and what is missing is named; with the plan it is the
    same.
    """
    planned = package_services.plan_import(bare, actor=None)
    done = package_services.import_package(bare, actor=None)
    assert planned == done
    found = Connection.objects.get()
    assert found.credentials is None and found.settings == before["settings"]
    assert bool(found.lacking) == bool(before["credentials"])
    assert package_services.import_package(bare, actor=None, decisions=Decisions()).is_noop


def test_the_strategies_make_real_connections(db):
    made = [
        provider_id
        for provider_id in EVERY
        if created(provider_id, {"name": provider_id, "settings": _sample(provider_id)})
    ]
    assert len(made) == len(EVERY) and looks_masked("***")
