"""Keys to our own API: made once, shown once, stored as a hash, and ended."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from ..audit.services import act, kind_named, record
from ..change_counter import bump_change_counter
from ..errors import FieldError, Invalid
from ..locks import retried
from ..lookup import all_by_id_or_alias
from ..models import ApiToken, EndedBecause, Profile, Team, Token, UndoStep
from ..row_versions import keep_version, keep_versions
from .base import clean_tags
from .callers import PREFIX_LENGTH, Scope, digest
from .networks import clean_networks
from .permissions import Actor, require
from .token_ends import end_of_life, life_errors
from .token_owners import require_may_make_tokens
from .undo_steps import note_revocation

PREFIX = "sb_"
MOST = {
    "requests_per_minute": 10_000_000,
    "tokens_per_day": 2_000_000_000,
}  # an integer column holds little more
OVERLAP, MOST_OVERLAP = 24, 24 * 31  # hours for which a token that was renewed still works
RENEWED = ("name", "user", "scopes", "is_limited", "networks", "team", "tags", *MOST)


@retried
@act("api_token.create")
def create_token(  # noqa: PLR0913 by name, and each is a column or a mark
    name: str,
    *,
    user: Any,
    actor: Actor,
    scopes: Sequence[str],
    profiles: Sequence[str] = (),
    networks: Sequence[str] = (),
    expires_in_days: int | None = None,
    requests_per_minute: int | None = None,
    tokens_per_day: int | None = None,
    team: Team | None = None,
    tags: Sequence[str] = (),
) -> tuple[ApiToken, str]:
    """Creates a token for `user` and returns it with its text, which cannot be had again.

    `profiles`: ids or aliases, none for all. `networks`: in CIDR form, none for anywhere.
    `expires_in_days`: None for the default, 0 for never. `team`: it is only for what belongs to
    this team, to none, or is shared with it. `tags`: only for what has one of these. The two
    limits hold in the gateway; None is no limit. Raises Invalid, PermissionDenied.
    """
    require_may_make_tokens(actor, user, team)
    limits = {"requests_per_minute": requests_per_minute, "tokens_per_day": tokens_per_day}
    name = name.strip()
    with transaction.atomic():
        found = all_by_id_or_alias(
            Profile.objects.select_for_update(no_key=True).order_by("pk"), profiles
        )
        cleaned, errors = clean_networks(networks)
        errors += token_errors(name, scopes, set(profiles) - found.keys(), limits)
        if errors := [*errors, *life_errors(expires_in_days)]:
            raise Invalid(errors)
        values: dict[str, Any] = {"scopes": sorted(set(scopes)), "networks": cleaned} | limits
        values |= {"team": team, "tags": clean_tags(list(tags))}
        values |= {"expires_at": end_of_life(expires_in_days), "is_limited": bool(found)}
        row, text = _made(name=name, user=user, **values)
        row.profiles.set(found.values())
        record(row, actor=actor, others=[user, *found.values()], detail={"scopes": row.scopes})
        keep_version("apitoken", row.pk, actor)
    return row, text


@retried
@act("api_token.renew")
def renew_token(
    token: ApiToken,
    *,
    actor: Actor,
    overlap_hours: int = OVERLAP,
    expires_in_days: int | None = None,
) -> tuple[ApiToken, str]:
    """Creates a token that may what `token` may, and returns it with its text. `token` itself ends
    after `overlap_hours`, or at its own end if that is sooner.

    As for `create_token`, whose it is decides who may. A token that was revoked is not renewed.
    Raises Invalid, PermissionDenied.
    """
    require_may_make_tokens(actor, token.user, token.team)
    with transaction.atomic():
        token = ApiToken.objects.select_for_update(of=("self",)).get(pk=token.pk)
        errors = life_errors(expires_in_days)
        if not 0 <= overlap_hours <= MOST_OVERLAP:
            text = _("0 to %(most)d hours.") % {"most": MOST_OVERLAP}
            errors.append(FieldError("overlap_hours", "invalid", text))
        if token.revoked_at:
            text = _("%(name)s was revoked. Make a new token.") % {"name": token}
            errors.append(FieldError("", "revoked", text))
        if errors:
            raise Invalid(errors)
        values = {name: getattr(token, name) for name in RENEWED}
        row, text = _made(**values, expires_at=end_of_life(expires_in_days), renews=token)
        row.profiles.set(token.profiles.all())
        keep_version("apitoken", row.pk, actor)
        ends = timezone.now() + timedelta(hours=overlap_hours)
        if token.expires_at is None or token.expires_at > ends:
            token.expires_at = ends
            token.save(update_fields=["expires_at"])
        others = [row, token.user]
        record(token, actor=actor, others=others, detail={"ends": token.expires_at})
        keep_version("apitoken", token.pk, actor)
    return row, text


def _made(**columns: Any) -> tuple[ApiToken, str]:
    text = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(prefix=text[:PREFIX_LENGTH], digest=digest(text), **columns)
    return row, text


def token_errors(
    name: str, scopes: Sequence[str], unknown: set[str], limits: dict[str, int | None]
) -> list[FieldError]:
    """The errors of what a token, or a rule that stands for one, may do. `unknown`: profiles that
    do not exist.
    """
    return [*_errors(name, scopes, unknown), *limit_errors(limits)]


def _errors(name: str, scopes: Sequence[str], unknown: set[str]) -> list[FieldError]:
    errors = []
    if not name or len(name) > 100 or "\x00" in name:
        errors.append(
            FieldError("name", "invalid", _("A name of 1 to 100 characters, to tell tokens apart."))
        )
    if not scopes or set(scopes) - set(Scope):
        errors.append(
            FieldError(
                "scopes",
                "invalid",
                _("Choose at least one of %(scopes)s.") % {"scopes": ", ".join(Scope)},
            )
        )
    if unknown:
        errors.append(
            FieldError(
                "profiles",
                "not_found",
                _("There is no profile %(names)s.") % {"names": ", ".join(sorted(unknown))},
            )
        )
    return errors


def limit_errors(limits: dict[str, int | None]) -> list[FieldError]:
    """The errors of limits of a token, or of a team: None is no limit."""
    wrong = {
        name: MOST[name]
        for name, value in limits.items()
        if value is not None and not 0 < value <= MOST[name]
    }
    return [
        FieldError(
            name, "invalid", _("1 to %(most)s, or empty for no limit.") % {"most": f"{most:,}"}
        )
        for name, most in wrong.items()
    ]


def revoke_token(token: Token, *, actor: Actor) -> UndoStep | None:
    """Ends a token of the API or of flows now; the row stays, to say that it was there. Returns the
    step by which that can be undone, None if it had ended.

    One's own of the API, or anybody's with the right to delete such tokens.
    """
    return revoke_tokens([token], actor=actor)[1]


def _revocation(tokens: Sequence[Token], **_others: Any) -> str:
    return f"{kind_named(str(tokens[0]._meta.model_name))}.revoke"


@retried
@act(_revocation)
def revoke_tokens(tokens: Sequence[Token], *, actor: Actor) -> tuple[int, UndoStep | None]:
    """As `revoke_token`, for several of one kind: one act. Returns how many ended by it too.

    Raises PermissionDenied, and ends none then.
    """
    kind, now = tokens[0]._meta.model_name, timezone.now()
    if kind != "apitoken" or actor is None or any(actor != one.user for one in tokens):
        for one in tokens:
            require(actor, f"connections.delete_{kind}", on=one)
    rows: Any = type(tokens[0])._default_manager
    # one that a provider stopped would come back
    may_end = Q(revoked_at=None) | Q(revoked_because=EndedBecause.PROVIDER)
    with transaction.atomic():
        ended = [
            one
            for one in sorted(tokens, key=lambda one: one.pk)
            if rows.filter(may_end, pk=one.pk).update(revoked_at=now, revoked_because="")
        ]
        bump_change_counter()
        if ended:
            record(others=ended, actor=actor)
        keep_versions(str(kind), [one.pk for one in ended], actor)
        return len(ended), note_revocation(actor, ended, now)
