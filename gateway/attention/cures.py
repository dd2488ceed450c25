"""What mends a fault: buttons and links that work as plain forms, each for those who may use it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from connections.health.services import FAILING, RESTING, Health
from connections.models import Connection, IssuerRule, RevealToken, Team

TEST, CHANGE, CHANGE_PROFILE, TOGGLE, APPROVE = (
    "connections.test_connection",
    "connections.change_connection",
    "connections.change_profile",
    "connections.toggle_connection",
    "connections.approve_host",
)


@dataclass(frozen=True)
class Cure:
    """An action. `fields`: of its form, None for a link. `permission`: of whoever may use it, `on`
    this row; None: whichever.
    """

    action: str
    label: str
    address: str
    permission: str
    fields: Mapping[str, str] | None = None
    on: Any = None


def test_again(connection: Connection) -> Cure:
    """Tests a connection."""
    address = reverse("connection-test", args=[connection.pk])
    return Cure("test", _("Test"), address, TEST, {}, connection)


def edit(connection: Connection) -> Cure:
    """Opens the form of a connection."""
    address = reverse("connection-update", args=[connection.pk])
    return Cure("edit", _("Edit"), address, CHANGE, on=connection)


def enter_key(connection: Connection) -> Cure:
    """Opens the form of a connection for a new key."""
    address = reverse("connection-update", args=[connection.pk])
    return Cure("enter_key", _("Enter a new key"), address, CHANGE, on=connection)


def replace_key(connection: Connection) -> Cure:
    """Opens the page on which the key is replaced."""
    address = reverse("connection-replace-key", args=[connection.pk])
    return Cure("replace_key", _("Replace the key"), address, CHANGE, on=connection)


def choose_model(pk: UUID) -> Cure:
    """Opens the form of a profile for another model."""
    address = reverse("profile-update", args=[pk])
    return Cure("choose_model", _("Choose another model"), address, CHANGE_PROFILE)


def switch_to_fallback(connection: Connection) -> Cure:
    """Switches a connection off whose profiles all have a fallback that then answers at once."""
    address, fields = reverse("connection-toggle", args=[connection.pk]), {"is_active": "false"}
    return Cure("switch_to_fallback", _("Switch to fallback"), address, TOGGLE, fields, connection)


def open_reference() -> Cure:
    """Shows the references, the broken ones first, with what to do."""
    address = reverse("reference-list")
    return Cure("open_reference", _("Open the reference"), address, "connections.view_connection")


def approve(pk: UUID) -> Cure:
    """Lets the secrets of a section go to a host."""
    fields = {"decision": "approved"}
    return Cure("approve", _("Approve"), reverse("host-decide", args=[pk]), APPROVE, fields)


def open_hosts() -> Cure:
    """Shows the hosts that were asked for."""
    return Cure(
        "open_hosts", _("See the hosts"), reverse("host-list"), "connections.view_connection"
    )


def open_connections(query: str) -> Cure:
    """Shows the connections that a filter finds."""
    address = f"{reverse('connection-list')}?{query}"
    return Cure(
        "open_connections", _("See the connections"), address, "connections.view_connection"
    )


def open_tokens(row: Any) -> Cure:
    """Shows the tokens of this kind; or the rule of a trusted issuer, or the team, whose tokens
    they are.
    """
    if isinstance(row, IssuerRule):
        address = row.issuer.get_absolute_url()
        return Cure("open_issuer", _("See the issuer"), address, "connections.view_trustedissuer")
    if isinstance(row, Team):
        address = reverse("team-detail", args=[row.pk])
        return Cure("open_team", _("See the team"), address, "connections.view_connection")
    if isinstance(row, RevealToken):
        address = reverse("reveal-token-list")
        return Cure("open_tokens", _("See the tokens"), address, "connections.view_revealtoken")
    return Cure(
        "open_tokens", _("See the tokens"), reverse("token-list"), "connections.view_apitoken"
    )


def open_notice_target(row: Any) -> Cure:
    """Opens the form of a target of notices."""
    address = reverse("notice-target-update", args=[row.pk])
    return Cure("open_target", _("See the target"), address, "gateway.change_noticetarget")


def open_streams() -> Cure:
    """Opens the page of the targets to which the audit is streamed."""
    address = reverse("audit-streams")
    return Cure("open_streams", _("See the target"), address, "connections.view_auditevent")


def cures_of(
    connection: Connection, health: Health, is_referenced: bool, is_stood_in_for: bool
) -> Iterator[Cure]:
    """What may mend the state of one connection, the likeliest first. `is_referenced`: its secret
    is behind a reference; `is_stood_in_for`: all its profiles have a fallback that answers.
    """
    if health.code == "unresolved_reference":
        yield open_reference()
    elif health.code in ("undecryptable", "misplaced", "incomplete"):
        yield enter_key(connection)
    elif health.state == FAILING and health.code in ("unauthorized", "quota"):
        yield open_reference() if is_referenced else replace_key(connection)
    if health.state in (FAILING, RESTING) and connection.is_active and is_stood_in_for:
        yield switch_to_fallback(connection)
