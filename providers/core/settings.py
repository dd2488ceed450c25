"""The base of a provider's settings: a pydantic class, each field of which carries all that form,
API and documents need.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, cast
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from ..http.tls import Certificates
from .types import ProxyPassword, ProxyUrl, UserName, is_empty

PROXY_READS = (
    "{host} is asked without TLS, so the proxy would read the credentials. Use https:// in the "
    "address, or leave the proxy out."
)


def setting(  # noqa: PLR0913 by name, and each is a column or a mark
    default: Any = ...,
    *,
    title: str,
    description: str = "",
    group: str = "General",
    address: bool = False,
    host_part: bool = False,
    trust: bool = False,
    proxy: bool = False,
    pair: bool = False,
    environment: str = "",
    shown_when: tuple[str, Any] | None = None,
    required_when_shown: bool = False,
    placeholder: str = "",
    multiline: bool = False,
    labels: dict[str, str] | None = None,
    **constraints: Any,
) -> Any:
    """One setting of a provider: a pydantic Field that also carries what forms, API and docs need.

    `address`: it names a host that credentials go to; `host_part`: a part of it; `trust`: how that
    host proves who it is; `proxy`: who connects there. `pair`: it is given out together with a
    secret, and replaced with it. `environment`: a variable for `$Env:NAME`.
    `shown_when`: (an earlier field, its value or several), `required_when_shown` applies only then.
    """
    marks: dict[str, Any] = {
        "group": group,
        "address": address,
        "hostPart": host_part,
        "trust": trust,
        "proxy": proxy,
        "environment": environment,
        "shownWhen": [shown_when[0], _values(shown_when[1])] if shown_when else None,
        "requiredWhenShown": required_when_shown,
        "placeholder": placeholder,
    }
    marks |= {"pair": pair, "multiline": multiline, "labels": labels}
    constraints |= {"title": title, "description": description}
    return Field(default, json_schema_extra={k: v for k, v in marks.items() if v}, **constraints)


def _values(wanted: Any) -> list[Any]:
    return list(wanted) if isinstance(wanted, tuple) else [wanted]


class ProviderSettings(BaseModel):
    """Base of every provider's settings.

    `SecretStr` means secret; unknown names are refused; an instance does not change.
    """

    # hide_input_in_errors: a ValidationError carries what was typed, secret or not, into logs and
    # reports
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
        use_attribute_docstrings=False,
    )

    _required_when: ClassVar[
        dict[str, tuple[str, Any]]
    ] = {}  # field -> (field it depends on, the values that make it required)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        marked = {
            name: cast("dict[str, Any]", info.json_schema_extra)
            for name, info in cls.model_fields.items()
            if isinstance(info.json_schema_extra, dict)
        }
        cls._required_when = {
            name: tuple(extra["shownWhen"])
            for name, extra in marked.items()
            if extra.get("requiredWhenShown")
        }

    @field_validator("*", mode="after")
    @classmethod
    def _required_when_shown(cls, value: Any, info: ValidationInfo) -> Any:
        name, wanted = cls._required_when.get(info.field_name or "", ("", ()))
        if name and is_empty(value) and name in info.data and info.data[name] in wanted:
            raise PydanticCustomError("missing", "Field required")
        return value


class ProxiedSettings(ProviderSettings):
    """The settings of every provider that may be asked through a proxy of its own."""

    proxy: ProxyUrl | None = setting(
        None,
        title="Proxy",
        description=(
            "Through which this connection alone is asked, in place of the environment's. Only "
            "for addresses that begin with https://."
        ),
        proxy=True,
        placeholder="http://proxy.example.com:3128",
        group="Advanced",
    )
    proxy_user: UserName | None = setting(
        None,
        title="Proxy user",
        description="Where the proxy wants a name. It is sent to the proxy alone.",
        group="Advanced",
    )
    proxy_password: ProxyPassword | None = setting(
        None,
        title="Proxy password",
        description="Of this user. It is sent to the proxy alone, never to the service.",
        group="Advanced",
    )

    @model_validator(mode="after")
    def _read_by_no_proxy(self) -> Self:
        if not self.proxy:
            return self
        plain = next((one for one in _addresses(self) if one.lower().startswith("http://")), None)
        if plain:
            reason = PydanticCustomError(
                "proxy_reads", PROXY_READS, {"host": urlsplit(plain).netloc}
            )
            detail = InitErrorDetails(type=reason, loc=("proxy",), input=None)
            name = type(self).__name__
            raise ValidationError.from_exception_data(name, [detail], hide_input=True)
        return self


def _addresses(settings: ProviderSettings) -> Iterator[str]:
    for name, info in type(settings).model_fields.items():
        marks, value = info.json_schema_extra, getattr(settings, name)
        if isinstance(marks, dict) and marks.get("address") and value:
            yield value.get_secret_value() if isinstance(value, SecretStr) else str(value)


class AddressedSettings(ProxiedSettings):
    """The settings of every provider whose address can be set."""

    ca_certificate: Certificates | None = setting(
        None,
        title="Certificate authority",
        description=(
            "Certificates (PEM) to trust besides those of the system, for a service with an "
            "authority of its own."
        ),
        trust=True,
        multiline=True,
        group="Advanced",
    )


class NetworkSettings(AddressedSettings):
    """The settings that every provider of models behind a network has."""

    timeout: float = setting(
        60.0,
        title="Timeout",
        description="Seconds to wait for an answer. A test waits 10.",
        group="Advanced",
        gt=0,
        le=3600,
    )
    max_retries: int = setting(
        2,
        title="Retries",
        description="How often a failed request is repeated. A test never repeats.",
        group="Advanced",
        ge=0,
        le=10,
    )
