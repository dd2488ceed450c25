"""The manifest of a connection type, as classes: its keys and the kinds of their values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, PrivateAttr

from .auth import Auth
from .base_models import Addresses, Condition, Line, Listed, ManifestPart, Templates
from .requests import Revocation, Test

KEY = r"^[a-z0-9]+([._-][a-z0-9]+)*$"
Kind = Literal[
    "string",
    "text",
    "secret",
    "secret_text",
    "url",
    "secret_url",
    "host",
    "slug",
    "email",
    "integer",
    "number",
    "boolean",
    "choice",
    "json",
]
OTHER_KINDS = {"int": "integer", "bool": "boolean"}
SECRET_OF = {
    "string": "secret",
    "text": "secret_text",
    "url": "secret_url",
    "json": "secret_json",
}  # with `secret: true`
SECRET_SHAPES = ("secret", "secret_text", "secret_url", "secret_json")
VARIANT = "variant"  # the setting that says which variant a connection is


class Option(ManifestPart):
    """One value of a choice, and the words for it."""

    value: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    label: Line = ""


Options = list[
    Annotated[
        Option, BeforeValidator(lambda given: {"value": given} if isinstance(given, str) else given)
    ]
]


class TypeField(ManifestPart):
    """One setting of the type."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=50)]
    kind: Annotated[
        Kind,
        BeforeValidator(
            lambda given: OTHER_KINDS.get(given, given) if isinstance(given, str) else given
        ),
    ] = "string"
    label: Line = ""
    help: Line = ""
    default: str | int | float | bool | None = None
    placeholder: Line = ""
    required: bool = True
    choices: Annotated[Options, Field(max_length=200)] = []
    pattern: Annotated[str, Field(max_length=300)] = ""
    visible_when: Condition = {}
    secret: bool = False
    environment: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$", max_length=200)] = (
        Field(default="", validation_alias=AliasChoices("environment", "env", "env_hint"))
    )
    group: Annotated[str, Field(min_length=1, max_length=50)] = "General"

    @property
    def shape(self) -> str:
        """Its kind, `secret: true` included: a secret string is a `secret`."""
        return SECRET_OF.get(self.kind, self.kind) if self.secret else self.kind

    @property
    def is_secret(self) -> bool:
        """True if it is stored encrypted and never shown."""
        return self.shape in SECRET_SHAPES

    @property
    def is_always_there(self) -> bool:
        """True if every complete connection that shows the field has a value for it."""
        return self.required or self.default is not None


class Migration(ManifestPart):
    """The step from the settings of version `since` to those of the next."""

    since: Annotated[int, Field(ge=1)] = Field(
        validation_alias=AliasChoices("from", "since"), serialization_alias="from"
    )
    rename: dict[str, str] = {}
    drop: Annotated[list[str], Listed] = []
    set: dict[str, str | int | float | bool] = {}


class Deprecation(ManifestPart):
    """The note on a type that should no longer be used."""

    since: Line = ""
    replaced_by: Line = ""
    message: Line = ""


class Variant(ManifestPart):
    """One of several ways to connect to the same service.

    For a key that it leaves out, the manifest's own counts.
    """

    key: Annotated[str, Field(pattern=KEY, max_length=50)]
    label: Line
    help: Line = ""
    base_url: Line | None = None
    addresses: Addresses | None = None
    auth: Annotated[list[Auth], Listed, Field(max_length=10)] | None = None
    allowed_hosts: Annotated[list[Line], Listed, Field(max_length=50)] | None = None
    test: Annotated[list[Test], Listed, Field(max_length=10)] | None = Field(
        default=None, validation_alias=AliasChoices("test", "tests")
    )
    revoke: Revocation | None = None


@dataclass(frozen=True)
class AuthVariant:
    """A variant completed by the manifest: addresses, authentication, hosts, tests and revocation.

    `key`: empty for a type without variants. `place`: `variants[1].`, its place in the document.
    """

    key: str
    place: str
    base_url: str
    addresses: Mapping[str, str]
    auth: tuple[Auth, ...]
    allowed_hosts: tuple[str, ...] | None
    tests: tuple[Test, ...]
    revoke: Revocation | None


class Manifest(ManifestPart):
    """A connection type.

    `guesses`: assumptions of the reader of Cognigy's schemas; `warnings`: remarks to read before it
    is installed.
    """

    key: Annotated[str, Field(pattern=KEY, max_length=100)]
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    label: Annotated[Line, Field(min_length=1, max_length=100)]
    description: Line = ""
    category: Annotated[Line, Field(min_length=1, max_length=50)] = "Other services"
    icon: Annotated[str, Field(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$", max_length=50)] = ""
    mark: Annotated[Line, Field(max_length=100)] = ""
    docs: Annotated[str, Field(pattern=r"^(https://[^\s<>\"']+)?$", max_length=500)] = Field(
        default="", validation_alias=AliasChoices("docs", "docs_url")
    )
    deprecated: Annotated[
        Deprecation | None,
        BeforeValidator(lambda given: {"message": given} if isinstance(given, str) else given),
    ] = None
    variants: Annotated[list[Variant], Field(max_length=12)] = []
    fields: Annotated[list[TypeField], Field(max_length=50)] = []
    base_url: Line = ""
    addresses: Addresses = {}
    allowed_hosts: Annotated[list[Line], Listed, Field(max_length=50)] | None = None
    auth: Annotated[list[Auth], Listed, Field(max_length=10)] = []
    headers: Templates = {}
    test: Annotated[list[Test], Listed, Field(max_length=10)] = Field(
        default=[], validation_alias=AliasChoices("test", "tests")
    )
    revoke: Revocation | None = None
    migrations: Annotated[list[Migration], Listed, Field(max_length=100)] = []
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0

    _guesses: tuple[str, ...] = PrivateAttr(())
    _warnings: tuple[str, ...] = PrivateAttr(())

    def __eq__(self, other: object) -> bool:
        """Compares the documents; guesses and warnings do not count."""
        return isinstance(other, Manifest) and self.__dict__ == other.__dict__

    @property
    def guesses(self) -> tuple[str, ...]:
        """Assumptions of the reader, a sentence each."""
        return self._guesses

    @property
    def warnings(self) -> tuple[str, ...]:
        """Remarks on what is allowed but may surprise, a sentence each."""
        return self._warnings

    def noted(self, guesses: tuple[str, ...] = (), warnings: tuple[str, ...] = ()) -> "Manifest":
        """The same manifest with these remarks added."""
        made = self.model_copy()
        made._guesses, made._warnings = (*self._guesses, *guesses), (*self._warnings, *warnings)  # noqa: SLF001 a copy of its own
        return made

    def auth_variants(self) -> list[AuthVariant]:
        """Each variant, completed by the manifest; the manifest itself where it has none."""
        return [
            self._completed(f"variants[{index}].", variant)
            for index, variant in enumerate(self.variants)
        ] or [self._completed("", None)]

    def _completed(self, place: str, variant: Variant | None) -> AuthVariant:
        def own_or_general(name: str) -> Any:
            own = getattr(variant, name, None)
            return getattr(self, name) if own is None else own

        hosts = own_or_general("allowed_hosts")
        key = variant.key if variant else ""
        return AuthVariant(
            key,
            place,
            own_or_general("base_url"),
            own_or_general("addresses"),
            tuple(own_or_general("auth")),
            None if hosts is None else tuple(hosts),
            tuple(own_or_general("test")),
            own_or_general("revoke"),
        )

    def field(self, key: str) -> TypeField | None:
        """The field of this key, if there is one."""
        return next((field for field in self.fields if field.key == key), None)
