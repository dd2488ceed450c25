"""Versions of tokens for flows."""

from typing import Any

from django.utils.translation import gettext_noop

from connections.lookup import parse_id
from connections.models import RevealToken
from connections.row_versions import (
    Content,
    VersionedKind,
    declare_kind,
    refuse_token,
    token_content,
)
from connections.services import Actor

from .reveal_tokens import reveal_tokens


def declare_versions() -> None:
    """Declares the kind. Called once, when Django is ready."""
    title = gettext_noop("Token for flows")
    declare_kind(
        VersionedKind("revealtoken", title, _content, _find, refuse_token, lambda *_who: False)
    )


def _content(pk: str) -> Content | None:
    found = RevealToken.objects.select_related("user").filter(pk=pk).first()
    if found is None:
        return None
    aliases = found.connections.model.every.filter(pk__in=found.connections.values("pk"))
    read = sorted(aliases.values_list("alias", flat=True))
    return token_content(found) | {"connections": read}


def _find(text: str, actor: Actor) -> Any:
    pk = parse_id(text)
    return reveal_tokens(actor).filter(pk=pk).first() if pk else None
