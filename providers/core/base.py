"""The base class of providers: settings in; models, checks, answers and vectors out."""

import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

import httpx2

from ..http.allowance import Allowance
from ..http.policy import EgressPolicy
from .chat import ChatRequest, EmbeddingRequest, wishes
from .clients import Clients, policy_of
from .ends import KeyEnd, end_in_keys
from .errors import ProviderError, chain, from_answer, from_status, not_installed
from .messages import Unsupported
from .network_faults import from_network
from .results import ChatAnswer, ChatChunk, EmbeddingAnswer, whole_in_one
from .settings import ProviderSettings
from .values import METHODS, Capability, CheckResult, Limits, Model, WireTarget

# Packages of others import these from here too, beside what is defined here.
__all__ = [
    "Capability",
    "CheckResult",
    "Limits",
    "Model",
    "Provider",
    "ProviderSettings",
    "WireTarget",
]

logger = logging.getLogger(__name__)
SettingsT = TypeVar("SettingsT", bound=ProviderSettings)


class Provider(Clients, Generic[SettingsT]):
    """An AI service, or another service that takes credentials.

    Made with validated settings; `client` imports the SDK when it is first needed.

    To add one, write one module in `providers/`: see CONTRIBUTING.md. `category` groups the cards,
    `section` is where its keys live in configuration (`$OpenAI:ApiKey`), by default the name of the
    class. `capabilities` are read off the methods that a class has of its own or inherits. A class
    that inherits a method and cannot do what it does takes it back: `embed = Provider.embed`.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    Settings: ClassVar[type[ProviderSettings]]
    capabilities: ClassVar[tuple[Capability, ...]] = ()
    claimed: ClassVar[tuple[Capability, ...] | None] = None  # what a class writes all the same
    description: ClassVar[str] = ""
    docs_url: ClassVar[str] = ""
    keys_url: ClassVar[str] = ""  # the service's page on which people end a key
    category: ClassVar[str] = "Model providers"
    section: ClassVar[str] = ""
    model_examples: ClassVar[tuple[str, ...]] = ()
    price_list: ClassVar[str] = ""  # the name of the service in genai-prices
    telemetry_name: ClassVar[str] = ""  # in OpenTelemetry's conventions, where that is not the id
    fixed_hosts: ClassVar[tuple[str, ...]] = ()  # of an installed type: where credentials go
    mark: ClassVar[str] = ""  # its brand's mark in providers.core.marks, if that has another name
    icon: ClassVar[str] = ""  # a heroicon's name, where there is no mark of a brand
    version: ClassVar[int] = 1  # of its settings: see `migrated`
    check_cost: ClassVar[str] = (
        "free"  # free, tiny (less than a cent) or billed; billed ones are not made
    )
    # What brings the SDK, for the message when it is not installed.
    packages: ClassVar[tuple[str, ...]] = ()
    sdk: ClassVar[str] = ""  # its module, if importing it takes long: loaded before it is needed

    settings: SettingsT
    kept_end: KeyEnd | None = None  # of what its settings refer to, as the store that keeps it says

    def __init__(
        self, settings: SettingsT, egress: EgressPolicy | None = None, limits: Limits = Limits()
    ) -> None:
        self.settings, self.limits = settings, limits
        self.egress = policy_of(settings, egress or EgressPolicy())
        self.allowance = Allowance(limits.seconds, limits.budget)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.section = cls.__dict__.get("section") or cls.__name__
        cls.claimed = cls.__dict__.get("capabilities", cls.claimed)
        cls.capabilities = tuple(one for one, name in METHODS.items() if cls.implements(name))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @classmethod
    def implements(cls, method: str) -> bool:
        """True if the class has a method of its own, or inherits one from another provider."""
        return getattr(cls, method) is not getattr(Provider, method)

    # What a provider implements

    @classmethod
    def migrated(cls, version: int, values: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG003
        """Returns the settings of an older `version` of the provider, secrets included, as its
        settings are today.
        """
        return dict(values)

    @cached_property
    def client(self) -> Any:
        """The official SDK's client, every address and credential given explicitly: SDKs read the
        environment for what is left out.
        """
        raise NotImplementedError

    def list_models(self) -> list[Model]:
        """The models this account can use, in the service's order. Raises ProviderError."""
        raise NotImplementedError

    @property
    def price_address(self) -> str:
        """The address by which genai-prices knows the service, where `price_list` is empty."""
        return ""

    @property
    def asks(self) -> str:
        """The request of a check, for people: `GET https://api.openai.com/v1/models`."""
        return "the list of models"

    def check(self) -> CheckResult:
        """Asks one unbilled question that needs the credentials; never a completion.

        Raises ProviderError.
        """
        started = time.monotonic()
        models = self.list_models()
        seconds = time.monotonic() - started
        return CheckResult(self.asks, seconds, len(models), models=tuple(models))

    def key_end(self) -> KeyEnd | None:
        """The end of the key, where the key carries it or the service is asked for it, at no cost;
        None where nobody says. Raises ProviderError.
        """
        return end_in_keys(self.settings)

    @property
    def own_certificates(self) -> Mapping[str, str]:
        """The certificates (PEM) of the connection's own settings, by their names for people."""
        return {"certificate authority": self.own_authority} if self.own_authority else {}

    @property
    def has_free_check(self) -> bool:
        """True if `check` asks the service something that is never billed, so that it may be made
        by itself, again and again.
        """
        is_asked = self.implements("check") or self.implements("list_models")
        return is_asked and self.check_cost == "free"

    @classmethod
    def can_revoke(cls, stored: Mapping[str, Any]) -> bool:  # noqa: ARG003
        """True if `revoke` may work for a connection with these settings, as they are stored."""
        return cls.implements("revoke")

    def revoke(self) -> str:
        """Ends the key in use at the service, with that key itself, and says so in a sentence.

        For a service whose API can do that; without it people are told to end it there. Raises
        ProviderError.
        """
        raise NotImplementedError

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Returns one whole answer.

        Raises ProviderError; Unsupported for a feature that this provider or model does not have:
        nothing is dropped in silence.
        """
        raise NotImplementedError

    async def stream_chat(self, request: ChatRequest) -> AsyncIterator[ChatChunk]:
        """Yields the answer piece by piece; the last pieces carry the finish reason and the usage.

        A provider that has no way to stream keeps this one, which gives the whole answer in one
        piece. Raises as `chat`, at the first step too. Closing the iterator cancels the request.
        """
        whole = request.model_copy(update={"stream": None, "stream_options": None})
        yield whole_in_one(await self.chat(whole))

    async def embed(self, request: EmbeddingRequest) -> EmbeddingAnswer:
        """Returns a vector for each text, in their order. Raises as `chat`."""
        raise NotImplementedError

    @classmethod
    def refused_parameters(
        cls,
        model: str,  # noqa: ARG003
        effort: str | None = None,  # noqa: ARG003
    ) -> frozenset[str]:
        """The sampling parameters that this model refuses at this reasoning effort (None: not
        said), as its vendor documents.

        Asked for in a request they are Unsupported; set on a profile they are left out, because a
        default is not a demand.
        """
        return frozenset()

    async def wire_target(
        self,
        capability: Capability,  # noqa: ARG002
        model: str,  # noqa: ARG002
    ) -> WireTarget | None:
        """The target of a request in OpenAI's protocol as bytes, None for a service that speaks
        another protocol and is asked through its SDK.
        """
        return None

    def wire_body(
        self,
        capability: Capability,  # noqa: ARG002
        body: dict[str, Any],
    ) -> dict[str, Any]:
        """Returns a request of OpenAI's protocol in this service's own dialect of it.

        `body` is not changed. Raises Unsupported.
        """
        return body

    @property
    def held_secrets(self) -> tuple[str, ...]:
        """The secrets of requests beside those of the settings, such as a fetched token."""
        return ()

    # What a provider uses

    def refuse_unless(self, request: ChatRequest | EmbeddingRequest, *supported: str) -> None:
        """Raises Unsupported for the first wish of the request that is not among `supported`, or
        that its model refuses.
        """
        refused = self.refused_parameters(request.model)
        for name in wishes(request, refused):
            if name in refused:
                raise Unsupported(
                    name, f"The model {request.model} does not take {name}. Leave it out."
                )
            if name not in supported:
                raise Unsupported(
                    name,
                    f"{self.name} cannot do {name}. Leave it out, or ask a profile of another "
                    "provider.",
                )

    def get_json(self, client: httpx2.Client, address: str) -> Any:
        """Returns the JSON at an address, for the few questions that an SDK does not ask.

        Raises ProviderError, or what `translated` knows.
        """
        response = client.get(address)
        if not response.is_success:
            raise from_status(response.status_code, urlsplit(address).netloc)
        return response.json()

    @contextmanager
    def translated(self, address: str, *, same_act: bool = False) -> Iterator[None]:
        """Turns an exception that an SDK raises inside the block into a ProviderError that names
        the host of `address`.

        A new act gets the whole of what `limits` allow; `same_act` is for a part of one.
        """
        if not same_act:
            self.allowance.renew()
        try:
            yield
        except ProviderError:
            raise
        except Exception as error:  # noqa: BLE001 nothing else may leave a provider
            logger.debug(
                "%s: %s", self.id, " from ".join(type(cause).__name__ for cause in chain(error))
            )
            # from None: an SDK's exception carries the answer's body and the request, which no log
            # may show
            raise self.translate(error, urlsplit(address).netloc or address) from None

    def translate(self, error: Exception, host: str) -> ProviderError:
        """The ProviderError for an exception of this provider's SDK.

        Told apart by type and status, never by text.
        """
        if missing := next(
            (cause for cause in chain(error) if isinstance(cause, ImportError)), None
        ):
            return not_installed(self._package_of(missing.name or ""))
        status = getattr(error, "status_code", None) or getattr(error, "code", None)
        if isinstance(status, int) and status >= 300:
            headers = getattr(getattr(error, "response", None), "headers", None) or {}
            return from_answer(status, host, headers, getattr(error, "body", None))
        return from_network(error, host)

    def _package_of(self, module: str) -> str:
        name = module.replace(".", "-")
        found = (one for one in self.packages if name.startswith(one) or one.startswith(name))
        return next(found, name)
