"""Values that providers take and give: capabilities, models, results of checks, limits."""

import ssl
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ..http.allowance import LARGEST_ANSWER
from ..http.proxies import Proxies
from .ends import KeyEnd

CHECK_SECONDS = 10.0


class Capability(StrEnum):
    """The abilities of a model that a caller can use. The values are those of Umbraco.AI's API."""

    CHAT = "Chat"
    EMBEDDING = "Embedding"


# The method that a provider writes to have a capability.
METHODS = {Capability.CHAT: "chat", Capability.EMBEDDING: "embed"}


@dataclass(frozen=True)
class Model:
    """One model of an account: the `id` a request names, a name for people, what it can do (empty:
    the service does not say), when it ends, how many tokens it reads, and what a million tokens in
    and out cost in US dollars (None: not known).
    """

    id: str
    name: str
    capabilities: frozenset[Capability] = frozenset()
    ends_at: datetime | None = None
    context: int | None = None
    input_price: Decimal | None = None
    output_price: Decimal | None = None


@dataclass(frozen=True)
class CheckResult:
    """A check that passed: what was asked, in words, how long it took, and how many models the
    account sees (None: not asked).

    `verdict`: sentences for people that say what is known now, where "It works." would say too much
    or too little. `models`: all that the account sees, empty where that is not known. `key_end`: of
    the key that was tried, None where nobody says.
    """

    asked: str
    seconds: float
    model_count: int | None = None
    verdict: str = ""
    models: tuple[Model, ...] = ()
    key_end: KeyEnd | None = None


@dataclass(frozen=True, slots=True)
class WireTarget:
    """The address and headers of one request to a service that speaks OpenAI's protocol, for a
    caller that sends the bytes itself.

    `headers` carry the credentials. `asks_usage`: a stream tells its usage only when
    `stream_options` asks for it. `tls`: the context that judges the certificate, None for the
    authorities that every client trusts; `proxies`: None for those of the environment.
    """

    url: str
    headers: dict[str, str] = field(repr=False)
    asks_usage: bool = True
    tls: ssl.SSLContext | None = None
    proxies: Proxies | None = None


@dataclass(frozen=True)
class Limits:
    """Bounds of time and size for a provider's requests. None: as its settings say. A check has its
    own.
    """

    timeout: float | None = None
    max_retries: int | None = None
    seconds: float | None = (
        None  # of a whole act with all its connections: an answer that drips in for ever ends too
    )
    budget: int | None = None  # bytes of a whole act


CHECK_LIMITS = Limits(
    timeout=CHECK_SECONDS, max_retries=0, seconds=CHECK_SECONDS, budget=LARGEST_ANSWER
)
