"""Requests of checks, and the meaning of their answers: the entries under `test`."""

import json
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ..core.errors import CODES
from .base_models import Line, ManifestPart, Parameters, Templates, listed

COSTS = ("free", "tiny", "billed")  # the cheapest first
SYNONYMS = {"bad_key": "unauthorized", "missing_scope": "forbidden"}
Status = Annotated[int, Field(ge=200, le=599)]
LONGEST_BODY = 10_000  # characters


class StatusMeaning(ManifestPart):
    """The meaning of a status: a code of a failed check, and perhaps a sentence of its own."""

    code: str
    message: Line = ""

    @field_validator("code")
    @classmethod
    def _known(cls, code: str) -> str:
        if SYNONYMS.get(code, code) not in CODES:
            text = "{code} is not a meaning. There are: {codes}."
            raise PydanticCustomError(
                "meaning",
                text,
                {"code": code[:50], "codes": ", ".join(sorted(CODES | SYNONYMS.keys()))},
            )
        return SYNONYMS.get(code, code)


CodeOrMeaning = Annotated[
    StatusMeaning,
    BeforeValidator(lambda given: {"code": given} if isinstance(given, str) else given),
]


def steps_of(path: str) -> tuple[str | int, ...]:
    """`data.0.id` as steps through objects and lists."""
    return tuple(int(step) if step.isdecimal() else step for step in path.split(".") if path)


class Expect(ManifestPart):
    """A value in the answer's JSON, and what it must be: for services that answer 200 whatever
    happens.
    """

    json_path: Line = Field(
        validation_alias=AliasChoices("json", "json_path"), serialization_alias="json"
    )
    one_of: Annotated[list[Line], BeforeValidator(listed), Field(min_length=1, max_length=50)]

    @property
    def path(self) -> tuple[str | int, ...]:
        """`data.0.id` as steps through objects and lists."""
        return steps_of(self.json_path)


class Expires(ManifestPart):
    """Where the answer tells when the key ends: in a header, or in a value of its JSON."""

    header: Line = ""
    json_path: Line = Field(
        "", validation_alias=AliasChoices("json", "json_path"), serialization_alias="json"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.header) == bool(self.json_path):
            raise PydanticCustomError("expires", "Give either header or json.")
        return self

    @property
    def path(self) -> tuple[str | int, ...]:
        """As of Expect; empty where it is in a header."""
        return steps_of(self.json_path)


class RequestTemplate(ManifestPart):
    """One request, whose texts are templates.

    A body that is a mapping or a list is sent as JSON. `address`: one of the manifest's
    `addresses`, empty for base_url.
    """

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS"] = "GET"
    address: Line = ""
    path: Line = ""
    query: Parameters = {}
    headers: Templates = {}
    body: str | dict[str, Any] | list[Any] | None = None
    content_type: Line = ""

    @field_validator("body")
    @classmethod
    def _not_too_long(cls, body: Any) -> Any:
        if len(json.dumps(body)) > LONGEST_BODY:
            raise PydanticCustomError(
                "body", "A test's body has at most {most} characters.", {"most": LONGEST_BODY}
            )
        return body

    def body_texts(self) -> list[str]:
        """Every text of the body that is a template."""
        return list(_texts(self.body))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def _statuses(given: Any) -> Any:
    """Statuses as numbers: in JSON every key is a text."""
    if not isinstance(given, dict):
        return given
    return {
        int(key) if isinstance(key, str) and key.isdecimal() and len(key) == 3 else key: value
        for key, value in given.items()
    }


class Test(ManifestPart):
    """One question to the service.

    `cost`: free, tiny (less than a cent) or billed, which no check asks.
    """

    __test__: ClassVar[bool] = False  # pytest: no class of tests

    cost: Literal[COSTS]  # type: ignore[valid-type]
    request: RequestTemplate = RequestTemplate()
    ok: Annotated[list[Status], BeforeValidator(listed)] = []
    meanings: Annotated[dict[Status, CodeOrMeaning], BeforeValidator(_statuses)] = Field(
        default={}, validation_alias=AliasChoices("meanings", "map")
    )
    expect: Expect | None = None
    expires: Expires | None = None


class RevokeRequest(RequestTemplate):
    """The request that ends a key."""

    method: Literal["DELETE", "POST"] = "DELETE"  # type: ignore[assignment]  # no test may delete


class Revocation(ManifestPart):
    """The way in which a service ends the key in use, for good.

    `anonymous`: asked without the credentials, for a service that takes the key in the body alone.
    """

    request: RevokeRequest = RevokeRequest()
    ok: Annotated[list[Status], BeforeValidator(listed)] = []
    anonymous: bool = False
