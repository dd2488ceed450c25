"""The fields that a file of one provider may hold: promptflow's names beside ours."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from typing import Any

from providers.core.base import Provider
from providers.core.registry import all_providers
from providers.core.schema import SettingsField, pascal, settings_fields

from .types import MODULE, PromptflowType, promptflow_type, provider_of_type

SCHEMA = "https://azuremlschemas.azureedge.net/promptflow/latest/{}.schema.json"
COMMON = ("$schema", "name", "type", "module", "created_date", "last_modified_date", "expiry_time")
LONGEST_CONSTANT = 50
NEAR = 0.66  # `key` is near `api_key`, `api_type` is not near `api_base`


def letters(text: str) -> str:
    """`api-Key` -> `apikey`."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


@dataclass(frozen=True)
class Shape:
    """A provider and the names that it and its fields have in a file.

    A provider that promptflow does not know has a type made from its id.
    """

    provider: type[Provider[Any]]

    @property
    def promptflow(self) -> PromptflowType | None:
        """The type that promptflow has for it, None when it has none."""
        return promptflow_type(self.provider)

    @property
    def type(self) -> str:
        """`open_ai`, as the line `type:` has it."""
        return self.promptflow.type if self.promptflow else self.provider.id.replace("-", "_")

    @property
    def class_name(self) -> str:
        """`OpenAIConnection`."""
        return (
            self.promptflow.class_name
            if self.promptflow
            else f"{pascal(self.provider.id)}Connection"
        )

    @property
    def module(self) -> str:
        """The Python module of promptflow's class."""
        return self.promptflow.module if self.promptflow else MODULE

    @property
    def schema(self) -> str:
        """The address in the line `$schema:`; nobody fetches it."""
        return SCHEMA.format(self.class_name)

    @cached_property
    def theirs(self) -> Mapping[str, str]:
        """promptflow's fields -> ours, in promptflow's order; those that no provider knows too."""
        return dict(self.promptflow.fields) if self.promptflow else {}

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Every field a file may hold -> ours: promptflow's, then those that only we have, under
        our names.
        """
        mapped = set(self.theirs.values())
        return {
            **self.theirs,
            **{
                name: name
                for name in settings_fields(self.provider)
                if name not in mapped and name not in self.theirs
            },
        }

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Ours -> the name in a file."""
        return {ours: theirs for theirs, ours in self.fields.items()}

    @cached_property
    def constants(self) -> Mapping[str, str]:
        """promptflow's fields that no provider knows -> the name under which a row keeps them."""
        names = self.promptflow.constants if self.promptflow else ()
        return {name: self.theirs[name] for name in names}

    def setting(self, name: str) -> SettingsField:
        """The description of a field of a file."""
        if self.promptflow and name in self.promptflow.constants:
            return _constant(name, self.promptflow.constants[name])
        return settings_fields(self.provider)[self.fields[name]]

    def is_map(self, name: str) -> bool:
        """True if the field holds names and values: `configs`, `secrets`."""
        return self.setting(name).is_map

    @cached_property
    def listed_fields(self) -> tuple[tuple[str, str, bool, bool], ...]:
        """Each field as (its name, our name, is it secret, is it a map), computed once for a whole
        list.
        """
        return tuple(
            (name, ours, self.setting(name).secret, self.is_map(name))
            for name, ours in self.fields.items()
        )

    @cached_property
    def maps(self) -> tuple[str, ...]:
        """promptflow's fields that are maps: `configs` and `secrets` of a custom connection."""
        return tuple(name for name in self.theirs if self.is_map(name))

    @cached_property
    def by_token(self) -> bool:
        """True if it can do without its key."""
        return "auth_mode" in self.fields

    def is_needed(self, name: str) -> bool:
        """True if a connection is useless without this field, so that a misspelt name of it is
        refused.
        """
        return self.setting(name).secret or self.setting(name).required

    def nearest(self, name: str) -> str:
        """The field that somebody meant by `name`: by promptflow's name or by ours.

        Empty when nothing is near.
        """
        known = {letters(ours): theirs for theirs, ours in self.fields.items()} | {
            letters(theirs): theirs for theirs in self.fields
        }
        known |= {letters(common): common for common in ("type", "name", "module")}
        near = get_close_matches(letters(name), known, n=1, cutoff=NEAR)
        return known[near[0]] if near else ""


def _constant(name: str, default: str) -> SettingsField:
    """A field that no provider has: a text that may be left out."""
    return SettingsField(
        name=name,
        label=name,
        help="",
        kind="text",
        group="",
        required=False,
        default=default,
        secret=False,
        address=False,
        choices=(),
        environment="",
        placeholder="",
        shown_when=None,
        required_when_shown=False,
        example="",
        bounds=(("max_length", LONGEST_CONSTANT),),
    )


def shape_of_type(text: str) -> Shape | None:
    """The shape of a type in any spelling, ours included (`anthropic`, `openai-compatible`); None
    when there is none.
    """
    providers = all_providers()
    found = provider_of_type(text, providers)
    if found is None:
        wanted = letters(text).removesuffix("connection")
        found = next((one for one in providers if letters(one.id) == wanted), None)
    return shape_of(found) if found else None


def shape_of(provider: type[Provider[Any]]) -> Shape:
    """The shape of a provider."""
    key: Any = provider  # mypy does not take a class for something hashable
    return _shape_of(key)


@cache
def _shape_of(provider: type[Provider[Any]]) -> Shape:
    return Shape(provider)


def type_names() -> list[str]:
    """Every type there is, promptflow's first."""
    shapes = [Shape(provider) for provider in all_providers()]
    return [
        shape.type
        for shape in sorted(shapes, key=lambda shape: (shape.promptflow is None, shape.type))
    ]


def nearest_type(text: str, names: Iterable[str]) -> str:
    """The type somebody meant, empty when nothing is near."""
    known = {letters(name): name for name in names}
    near = get_close_matches(letters(text), known, n=1, cutoff=NEAR)
    return known[near[0]] if near else ""
