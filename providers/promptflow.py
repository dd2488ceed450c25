"""What promptflow calls a provider: its type, its class and its names for our settings, declared in
the provider's own module.

https://github.com/microsoft/promptflow, promptflow-core 1.18.5, `promptflow/core/_connection.py`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MODULE = "promptflow.connections"


@dataclass(frozen=True)
class PromptflowType:
    """A connection type of promptflow.

    `type`: as its YAML has it; `class_name`: as its SDK and its execution dicts have it; `fields`:
    promptflow's name -> ours, in the order of promptflow's class; `secrets`: promptflow's names of
    the secret ones; `defaults`: what promptflow takes where nothing is given, if that is not our
    own default; `other_names`: further spellings that people use.
    """

    type: str
    class_name: str
    fields: Mapping[str, str]
    secrets: frozenset[str] = frozenset({"api_key"})
    defaults: Mapping[str, str] = field(default_factory=dict)
    module: str = MODULE
    other_names: tuple[str, ...] = ()


def _letters(text: str) -> str:
    """`Azure-OpenAI Connection`, `azure_open_ai` -> `azureopenai`."""
    return re.sub(r"[^a-z0-9]", "", text.lower()).removesuffix("connection")


def provider_of_type(text: str, providers: Iterable[Any]) -> Any | None:
    """The provider class whose promptflow type this is, in any spelling that tells it apart; None
    when there is none.
    """
    wanted = _letters(text)
    for provider in providers:
        found: PromptflowType | None = provider.promptflow
        if found is not None and wanted in {
            _letters(name) for name in (found.type, found.class_name, *found.other_names)
        }:
            return provider
    return None
