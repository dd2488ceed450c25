"""Echo: built in, no network, no key. For trying the product, and for tests that must not leave the machine."""

from .base import Capability, CheckResult, Model, Provider, ProviderSettings, setting
from .registry import register
from .types import Text


class EchoSettings(ProviderSettings):
    """Settings of the echo provider."""

    prefix: Text = setting("Echo: ", title="Prefix", description="Put before whatever is echoed.", max_length=200)


@register
class Echo(Provider[EchoSettings]):
    """Answers with what it was asked."""

    id, name = "echo", "Echo"
    capabilities = (Capability.CHAT, Capability.EMBEDDING)
    description = "Built in: answers with what it was asked. Needs no account and no network."
    category = "Built in"
    model_examples = ("echo-1", "echo-embedding-1")
    asks = "itself"

    def list_models(self) -> list[Model]:
        return [
            Model("echo-1", "Echo 1", frozenset({Capability.CHAT})),
            Model("echo-embedding-1", "Echo Embedding 1", frozenset({Capability.EMBEDDING})),
        ]

    def check(self) -> CheckResult:
        return CheckResult(self.asks, 0.0, len(self.list_models()))
