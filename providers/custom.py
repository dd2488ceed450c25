"""Custom: free configs and secrets for whatever no other provider knows, and for promptflow's
custom and custom strong types.
"""

import time

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from .core.base import CheckResult, Model, Provider
from .core.registry import register
from .core.settings import ProviderSettings, setting
from .core.types import SecretEntries, SecretMap, Text, TextMap

STRONG = "Strong type"


class CustomSettings(ProviderSettings):
    """Two maps, and for a custom strong type also the class that promptflow makes of them."""

    configs: TextMap = setting(
        {},
        title="Configs",
        description=(
            "Whatever may be read by everybody who may see the connection: addresses, regions, "
            "names."
        ),
    )
    secrets: SecretMap = setting(
        SecretEntries({}),
        title="Secrets",
        description="Whatever may not: keys, passwords, tokens. Each is stored encrypted.",
    )
    custom_type: Text | None = setting(
        None,
        title="Custom type",
        description=(
            "Class of promptflow's custom strong type. Kept and handed on, never imported here."
        ),
        group=STRONG,
        placeholder="MyConnection",
    )
    module: Text | None = setting(
        None,
        title="Module",
        description="Python module that holds the class.",
        group=STRONG,
        placeholder="my_package.connections",
    )
    package: Text | None = setting(
        None,
        title="Package",
        description="Package that brings the module.",
        group=STRONG,
        placeholder="my-package",
    )
    package_version: Text | None = setting(
        None,
        title="Package version",
        description="Version of that package.",
        group=STRONG,
        placeholder="1.0.0",
    )

    @field_validator("secrets", mode="after")
    @classmethod
    def _one_of_both(cls, secrets: SecretEntries, info: ValidationInfo) -> SecretEntries:
        """Refuses a key in both maps: promptflow loses a config that has the key of a secret."""
        configs, keys = info.data.get("configs"), secrets.get_secret_value()
        if configs is None:
            return secrets  # wrong by itself
        if not configs and not keys:
            raise PydanticCustomError("nothing_given", "Give at least one config or secret.")
        if both := sorted(configs.keys() & keys.keys()):
            text = "{keys} stands under configs and under secrets. Take it out of one of them."
            raise PydanticCustomError("duplicate_key", text, {"keys": ", ".join(both[:5])})
        return secrets


@register
class Custom(Provider[CustomSettings]):
    """Answers nothing itself: it keeps what a program of your own reads."""

    id, name = "custom", "Custom"
    description = "Free configs and secrets for a service that has no provider here."
    category = "Other services"
    docs_url = "https://microsoft.github.io/promptflow/concepts/concept-connections.html"
    has_free_check = False  # it asks nobody
    asks = "that every value resolves; over the network nothing is asked"

    def list_models(self) -> list[Model]:
        """Returns an empty list: nothing is known of the service."""
        return []

    def check(self) -> CheckResult:
        """Passes: settings that came this far are resolved and decrypted, and there is nobody to
        ask.
        """
        started = time.monotonic()
        return CheckResult(
            self.asks,
            time.monotonic() - started,
            verdict="Every value resolves. Nothing was asked over the network.",
        )
