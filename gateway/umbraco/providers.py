"""Providers, with what Umbraco.AI's backoffice needs to draw a form of their settings."""

from typing import Any

from connections.api import providers

from .base import UmbracoView
from .names import theirs

TEXT = "Umb.PropertyEditorUi.TextBox"
EDITORS = {
    "boolean": "Umb.PropertyEditorUi.Toggle",
    "choice": "Umb.PropertyEditorUi.Dropdown",
    "integer": "Umb.PropertyEditorUi.Integer",
    "number": "Umb.PropertyEditorUi.Decimal",
}


class ProviderList(UmbracoView, providers.ProviderList):
    """The providers that are installed."""

    def shaped(self, data: Any) -> Any:
        """A bare list."""
        return data["items"]


class ProviderDetail(UmbracoView, providers.ProviderDetail):
    """One provider, with its settings."""

    def shaped(self, data: Any) -> Any:
        """The fields of its settings by Umbraco.AI's names, with their editors. The JSON schema
        stays as it is: it says what /api/v1 takes.
        """
        schema = data["settingsSchema"]
        fields = [_with_editor(data["id"], one) for one in schema["fields"]]
        return {**data, "settingsSchema": {**schema, "fields": fields}}


def _with_editor(provider_id: str, field: dict[str, Any]) -> dict[str, Any]:
    config: list[dict[str, Any]] | None = None
    if field["options"]:
        config = [{"alias": "items", "value": [one["value"] for one in field["options"]]}]
    elif field["isSensitive"] and field["type"] == "text":
        config = [{"alias": "inputType", "value": "password"}]
    return {
        **field,
        "key": theirs(provider_id, field["key"]),
        "editorUiAlias": EDITORS.get(field["type"], TEXT),
        "editorConfig": config,
    }
