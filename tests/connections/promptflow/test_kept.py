"""`api_type`, which promptflow's files have and no provider knows: kept for the files, and nowhere
else to be seen.
"""

from typing import Any

import pytest

from connections import runtime, services
from connections.models import Connection
from connections.packages.format.files import read_package
from connections.packages.services import export_package
from connections.promptflow.format import yaml_text
from connections.promptflow.format.documents import read_changes, read_document
from connections.promptflow.format.errors import Refused
from connections.promptflow.format.files import pairs, with_overrides
from connections.promptflow.format.shapes import shape_of
from connections.promptflow.services.connections import save_promptflow
from connections.promptflow.services.show import promptflow_file, promptflow_view
from connections.promptflow.services.values import execution_dict
from connections.types.services import sync_types
from providers.core.registry import get_provider
from tests.connections.api.calls import Api
from tests.fakes import SECRET, connect, reload
from tests.pages import words
from tests.people import browser

pytestmark = pytest.mark.django_db
TYPES = ["azure-openai", "azure-content-safety", "azure-document-intelligence"]
SETTINGS = {"endpoint": "https://a.example.com", "api_key": SECRET}
every_type = pytest.mark.parametrize("one", TYPES)


def text_of(one: str, api_type: str = "") -> str:
    """A file, as dump writes it."""
    shape = shape_of(get_provider(one))
    line = f"api_type: {api_type}\n" if api_type else ""
    return (
        f"$schema: {shape.schema}\ntype: {shape.type}\nname: mine\napi_key: <user-input>\n"
        f"{shape.names['endpoint']}: https://a.example.com\n{line}"
    )


def saved(text: str, onto: Connection | None = None) -> Connection:
    document = read_document(yaml_text.parse(text.replace("<user-input>", SECRET)))
    return reload(save_promptflow(document, actor=None, onto=onto).row)


def changed(row: Connection, *items: str) -> Connection:
    document = read_changes(shape_of(row.provider), with_overrides({}, pairs(items)))
    return reload(save_promptflow(document, actor=None, onto=row, merge=True).row)


def older(one: str, api_type: str = "azure_ad") -> Connection:
    """A row of the time when it was a setting."""
    row = connect(one, name="mine", settings=SETTINGS)
    row.settings, row.type_version = {**row.settings, "api_type": api_type}, 1
    row.skip_history_when_saving = True  # type: ignore[attr-defined]
    row.save()
    return reload(row)


def dumped(row: Connection) -> str:
    return promptflow_file(row, actor=None)


# There and back


@pytest.mark.parametrize("api_type", ["", "azure", "azure_ad", "Content Safety"])
@every_type
def test_a_file_comes_back_as_it_was(one: str, api_type: str):
    text = text_of(one, api_type)
    assert dumped(saved(text)) == text


@every_type
def test_a_row_of_an_older_version_comes_back_as_it_was(one: str):
    assert dumped(older(one)) == text_of(one, "azure_ad")


def test_a_file_that_is_silent_about_it_takes_it_away():
    row = saved(text_of(TYPES[0], "azure_ad"))
    assert dumped(saved(text_of(TYPES[0]), onto=row)) == text_of(TYPES[0])


def test_an_empty_one_is_none():
    row = changed(saved(text_of(TYPES[0], "azure_ad")), "api_type=")
    assert "api_type" not in promptflow_view(row) and "promptflow.api_type" not in row.settings


def test_set_changes_it_and_leaves_it():
    row = saved(text_of(TYPES[0], "azure_ad"))
    assert promptflow_view(changed(row, "api_version=2024-10-21"))["api_type"] == "azure_ad"
    assert promptflow_view(changed(reload(row), "api_type=azure"))["api_type"] == "azure"


@pytest.mark.parametrize("wrong", ["a" * 51, "'a\tb'", "$OpenAI:ApiKey", "${env:OPENAI_API_KEY}"])
def test_what_cannot_be_one_is_refused(wrong: str):
    with pytest.raises(Refused, match="at most 50 characters on one line, and no reference"):
        saved(text_of(TYPES[0], wrong))


# What promptflow's executor is told


@every_type
def test_a_flow_is_told_what_the_file_said_or_what_promptflow_takes(one: str):
    given = execution_dict(saved(text_of(one, "azure_ad")))["value"]["api_type"]
    default = execution_dict(connect(one, name="silent", settings=SETTINGS))["value"]["api_type"]
    shape = shape_of(get_provider(one))
    assert (given, default) == ("azure_ad", shape.setting("api_type").default)


def test_a_dollar_that_begins_one_is_told_as_it_was_written():
    assert execution_dict(saved(text_of(TYPES[0], "$x")))["value"]["api_type"] == "$x"


def test_a_reference_that_an_older_version_took_tells_a_flow_nothing():
    assert execution_dict(older(TYPES[0], "$OpenAI:ApiKey"))["value"]["api_type"] == "azure"


# Everywhere else


@pytest.fixture(params=["kept", "older"])
def row(request: pytest.FixtureRequest) -> Connection:
    """A row with an api_type: from a file, and from the time when it was a setting."""
    return older(TYPES[0]) if request.param == "older" else saved(text_of(TYPES[0], "azure_ad"))


def test_it_is_no_setting(row: Connection):
    assert not hasattr(runtime.resolved_settings(row), "api_type")
    assert runtime.get_configured_provider(row)


def test_no_page_shows_it(row: Connection, operator: Any):
    client = browser(operator)
    for address in (row.get_absolute_url(), f"{row.get_absolute_url()}edit/"):
        shown = words(client.get(address))
        assert "mine" in shown and "azure_ad" not in shown and "API type" not in shown


def test_the_api_shows_none_and_takes_back_what_it_shows(row: Connection, operator: Any):
    api = Api(client=browser(operator))
    shown = api.get(f"/connections/{row.alias}").json()
    assert not [name for name in shown["settings"] if "type" in name.lower()]
    assert api.put(f"/connections/{row.alias}", shown).status_code == 200


def test_an_edit_leaves_it_as_it_is(row: Connection):
    services.update_connection(row, actor=None, settings={**SETTINGS, "api_version": "2024-10-21"})
    assert promptflow_view(reload(row))["api_type"] == "azure_ad"


def test_a_copy_has_it_too(row: Connection):
    copy = services.duplicate_connection(row, actor=None).row
    assert promptflow_view(reload(copy))["api_type"] == "azure_ad"


@every_type
def test_rows_follow_when_types_are_brought_up_to_date(one: str):
    row = older(one)
    assert [(synced.key, synced.move.moved, synced.move.notices) for synced in sync_types()] == [
        (one, ("mine",), [])
    ]
    assert reload(row).settings["promptflow.api_type"] == "azure_ad"


def test_a_package_leaves_it_out(row: Connection):
    package = read_package(export_package([row], actor=None))
    assert package.connections[0].settings == {"endpoint": "https://a.example.com"}
