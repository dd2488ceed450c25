"""What is said of where a value came from: its source, when that was read, and about restarts."""

import time
from typing import Any

import pytest

from connections import conf
from connections.provenance import provenance
from connections.references import Resolution, State
from connections.sources import (
    DirectorySource,
    EnvironmentSource,
    FileSource,
    KeptStore,
    MappingSource,
)


class Vault:
    """A store that nobody asks."""

    name, depth, cure = "the vault", 1, "Put it there."


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (EnvironmentSource(), "(OpenAI__ApiKey), as this process got it when it started at"),
        (MappingSource({}), "read when the server starts. A new value needs a restart."),
        (FileSource("x.json"), "read at each use. A new value there needs no restart."),
        (DirectorySource("x"), "read at each use. A new value there needs no restart."),
        (
            KeptStore(Vault(), 0),  # type: ignore[arg-type]
            "UTC. A new value there needs no restart.",
        ),
    ],
)
def test_a_value_says_where_it_came_from(source: Any, told: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(conf.resolver(), "_sources", (source,))
    asked = time.monotonic()
    found = Resolution("$OpenAI:ApiKey", State.RESOLVED, source.name, asked_at=asked, value="sk-1")
    text = provenance(found)
    assert text.startswith(f"Its value came from {source.name}") and told in text
    assert "sk-1" not in text


def test_a_variable_is_named_as_it_is():
    found = Resolution("$Env:OPENAI_API_KEY", State.RESOLVED, "environment", value="sk-1")
    assert "environment (OPENAI_API_KEY)," in provenance(found)


def test_what_is_missing_came_from_nowhere():
    assert provenance(Resolution("$OpenAI:ApiKey", State.MISSING)) == ""
