"""The base of Azure's services without models that take a key or Microsoft Entra ID."""

from typing import ClassVar, TypeVar

from ..service import Service
from .access import AzureAccess, AzureAccessSettings

SettingsT = TypeVar("SettingsT", bound=AzureAccessSettings)


class AzureService(AzureAccess[SettingsT], Service[SettingsT]):
    """A resource of Azure that answers no chats. `key_header`: where it wants its key."""

    packages = ("azure-identity",)
    key_header: ClassVar[str] = "api-key"

    @property
    def access(self) -> dict[str, str]:
        if not self.by_key:
            return {"Authorization": f"Bearer {self.token()}"}
        return {
            self.key_header: self.settings.api_key.get_secret_value()
            if self.settings.api_key
            else ""
        }
