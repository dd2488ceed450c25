"""What the OpenAPI document reads off a view: the rights that an operation needs."""

from drf_spectacular.openapi import AutoSchema


class AccessSchema(AutoSchema):
    """Describes an operation by its view's `access`; its own text is in operations.yaml."""

    def get_description(self) -> str:
        """The scopes of a token, and the permission of the person or service account."""
        scopes, permission = self.view.access.get(self.method, ("", ""))
        named = " and ".join(f"`{one}`" for one in scopes.split())
        words = "scopes" if " " in scopes else "scope"
        token = f"A token needs the {words} {named}" if scopes else ""
        person = f"whoever calls needs the permission `{permission}`" if permission else ""
        said = "; ".join(filter(None, (token, person)))
        return f"{said[:1].upper()}{said[1:]}." if said else ""
