"""What the OpenAPI document reads off a view: the rights that an operation needs."""

from typing import TYPE_CHECKING, cast

from drf_spectacular.openapi import AutoSchema

if TYPE_CHECKING:
    from .base import ApiView  # whose own class has this one among its settings


class AccessSchema(AutoSchema):
    """Describes an operation by its view's `access`; its own text is in operations.yaml."""

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's own signature
        """The scopes of a token, and the permission of the person or service account."""
        view = cast("ApiView", self.view)
        scopes, permission = view.access.get(self.method, ("", ""))
        named = " and ".join(f"`{one}`" for one in scopes.split())
        words = "scopes" if " " in scopes else "scope"
        token = f"A token needs the {words} {named}" if scopes else ""
        person = f"whoever calls needs the permission `{permission}`" if permission else ""
        said = "; ".join(filter(None, (token, person)))
        return f"{said[:1].upper()}{said[1:]}." if said else ""
