"""The base of services that speak OpenAI's protocol: the list of models, and its client."""

from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

import httpx2

from providers.core.base import Capability, Model
from providers.core.ends import moment
from providers.core.errors import bad_response

from .request import NO_KEY, OpenAIChat, SettingsT, without_no_key

# The end of a model, as OpenAI (developers.openai.com/api/docs/deprecations), OpenRouter
# (openrouter.ai/docs/guides/overview/models) and Mistral (docs.mistral.ai/api/endpoint/models) have
# it in their lists.
ENDS = ("shutdown_date", "expiration_date", "deprecation")
# The tokens that a model reads, as Groq (console.groq.com/docs/api-reference), OpenRouter, vLLM and
# Mistral have them there.
CONTEXTS = ("context_window", "context_length", "max_model_len", "max_context_length")


class OpenAICompatible(OpenAIChat[SettingsT]):
    """A provider reached through the official `openai` SDK.

    A subclass says at which address, with which key and which headers.
    """

    packages: ClassVar[tuple[str, ...]] = ("openai",)

    @property
    def base_url(self) -> str:
        """The address of the API, with its version: `https://api.openai.com/v1`."""
        return str(getattr(self.settings, "base_url"))  # noqa: B009 a setting of the subclass

    @property
    def asks(self) -> str:
        return f"GET {self.base_url.rstrip('/')}/models"

    @cached_property
    def client(self) -> Any:
        from openai import OpenAI

        http_client = self.http_client()
        return self.sealed(
            OpenAI(
                api_key=self.bearer or NO_KEY,
                base_url=self.base_url,
                http_client=http_client,
                **self.arguments,
            )
        )

    def http_client(self, headers: dict[str, str] | None = None) -> httpx2.Client:
        client = super().http_client(headers)
        client.event_hooks = {"request": [without_no_key]}
        return client

    def list_models(self) -> list[Model]:
        with self.translated(self.base_url):
            rows = getattr(self.client.models.list(), "data", None)
            if not isinstance(rows, list) or not all(
                isinstance(getattr(row, "id", None), str) for row in rows
            ):
                raise bad_response(self.base_url)
            return [
                Model(
                    row.id,
                    self.name_of(row),
                    self.capabilities_of(row),
                    ends_at=_end_of(row),
                    context=_context_of(row),
                )
                for row in rows
            ]

    def name_of(self, row: Any) -> str:
        """The name for people of one row of the list."""
        return str(row.id)

    def capabilities_of(self, row: Any) -> frozenset[Capability]:
        """The abilities of the model, as far as its name tells; OpenAI's list of models does not
        say.
        """
        return frozenset({Capability.EMBEDDING if "embed" in row.id.lower() else Capability.CHAT})


def _context_of(row: Any) -> int | None:
    told = (getattr(row, name, None) for name in CONTEXTS)
    return next((one for one in told if isinstance(one, int) and one > 0), None)


def _end_of(row: Any) -> datetime | None:
    return next((at for name in ENDS if (at := moment(getattr(row, name, None)))), None)
