"""Where the secrets behind references go: to the provider's own hosts, and to others only after an
administrator approved the host for the section.

Whoever may write a connection could else send any section's keys to a host of their own. What is
typed needs no approval: who types a key knows it.
"""

import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import httpx2
from django.conf import settings as django_settings
from django.db.models import Case, Q, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider
from providers.core.registry import is_built_in
from providers.core.schema import SettingsField, settings_fields
from providers.http.hosts import origin

from .credentials import Undecryptable, merged
from .errors import Unusable
from .kept import settings_alone
from .models import Connection, HostApproval, RevealToken
from .references import is_reference, references_in, section_of

LONGEST_HOST = 600
AT_ONCE = 2000  # destinations of one query
PART = re.compile(r"\{(\w+)\}")  # of a host's name
UNCHECKED = ", certificate not checked"
FLOWS = "flows that read connection {}"  # with a reveal token; no host has blanks


@dataclass(frozen=True)
class Destination:
    """A section of references and a host that its secrets would go to, as HostApproval has them.
    `team`: of the connection that would send them, None for one that all share.
    """

    section: str
    host: str
    team: uuid.UUID | None


def destinations(
    provider: type[Provider[Any]], stored: Mapping[str, Any], team: uuid.UUID | None
) -> set[Destination]:
    """Where the referenced secrets of these settings go beside the provider's own hosts.

    `stored`: settings with their literals, references as they are written. `team`: of the
    connection, None for one that all share. An address that is a
    reference to the same section is as safe as the key: both are set in the same place. A secret
    for a proxy goes there and nowhere else.
    """
    fields = settings_fields(provider)
    sections = {
        (section_of(reference), fields[name].for_proxy)
        for name, _, reference in references_in(stored)
        if name in fields and fields[name].secret and not fields[name].address
    }
    return {
        Destination(section, host, team)
        for section, is_for_proxy in sections
        for host in (_proxies(fields, stored) if is_for_proxy else _hosts(provider, fields, stored))
        if section and not (is_reference(host) and section_of(host) == section)
    }


def unchecked_mark(stored: Mapping[str, Any]) -> str:
    """The end of the host where its certificate may go unchecked, else empty. What is not plainly
    true counts, a reference too.
    """
    return "" if stored.get("verify_tls", True) in (True, "true") else UNCHECKED


def _hosts(
    provider: type[Provider[Any]], fields: Mapping[str, SettingsField], stored: Mapping[str, Any]
) -> Iterator[str]:
    end = unchecked_mark(stored)
    named = [*customer_hosts(provider, stored)]
    if not is_built_in(provider.id):
        named += [one for one in provider.fixed_hosts if not _customer_parts(fields, one)]
    yield from (host if is_reference(host) else f"{host}{end}" for host in named)
    for name, field in fields.items():
        value = stored.get(name) if field.address and not field.host_part else None
        if isinstance(value, str) and (host := host_of(value)):
            own = field.default
            if end or not (isinstance(own, str) and host_of(own) == host):
                yield host if is_reference(host) else f"{host}{end}"
    if any(one.trust and _is_own_trust(stored.get(name)) for name, one in fields.items()):
        yield from _proxies(fields, stored)


def customer_hosts(provider: type[Provider[Any]], stored: Mapping[str, Any]) -> Iterator[str]:
    """The hosts of a service in which a setting names the customer, `https://acme.zendesk.com`: the
    vendor's name, and not every customer's to read. A reference in place of the name, as it is
    written. A part that is one of a closed list names no customer.
    """
    fields = settings_fields(provider)
    for host in provider.fixed_hosts:
        parts = PART.findall(host)
        values = {one: str(stored.get(one) or fields[one].default or "") for one in parts}
        free = [values[name] for name in _customer_parts(fields, host)]
        if not free or not all(free):  # of a variant that is not chosen
            continue
        if references := [value for value in free if is_reference(value)]:
            yield from references
            continue
        for name, value in values.items():
            host = host.replace(f"{{{name}}}", value)
        yield host_of(host)


def _customer_parts(fields: Mapping[str, SettingsField], host: str) -> list[str]:
    """The settings in a host's name that are not one of a closed list."""
    return [one for one in PART.findall(host) if not fields[one].choices]


def _proxies(fields: Mapping[str, SettingsField], stored: Mapping[str, Any]) -> Iterator[str]:
    proxies = (stored.get(name) for name, one in fields.items() if one.proxy)
    yield from (host_of(one) for one in proxies if isinstance(one, str) and one)


def _is_own_trust(value: Any) -> bool:
    """True for whatever makes certificates pass that do not by themselves: a proxy beside it could
    show one of its own, and read what is meant for the service.
    """
    return value not in (None, "", True, "true")


@lru_cache(maxsize=4096)  # an address is not a secret
def host_of(address: str) -> str:
    """The origin of an address, `https://api.example.com:8443`, without the usual port; a reference
    as it is written. A host alone counts as one of https.
    """
    if is_reference(address):
        return address[:LONGEST_HOST]
    try:
        return origin(address if "://" in address else f"https://{address}")[:LONGEST_HOST]
    except httpx2.InvalidURL:
        return address[:LONGEST_HOST]  # the schema refuses it


@sensitive_variables()
def destinations_of(
    row: Connection, provider: type[Provider[Any]] | None = None
) -> set[Destination]:
    """Where the referenced secrets of a connection go beside the provider's own hosts.

    `provider`: a version of it that is being installed, None for today's.
    """
    provider = provider or row.provider
    if provider is None:
        return set()
    literals = {} if isinstance(row.credentials, Undecryptable) else row.credentials or {}
    return destinations(provider, settings_alone(merged(row.settings, literals)), row.team_id)


def flows_of(row: Connection, provider: type[Provider[Any]] | None = None) -> set[Destination]:
    """Where the referenced secrets of a connection go when a reveal token reads it: to whoever has
    the token, whatever its hosts.

    `provider`: a version of it that is being installed, None for today's. What it does not know
    counts as a secret.
    """
    provider = provider or row.provider
    fields = settings_fields(provider) if provider else {}
    sections = {
        section_of(reference)
        for name, _, reference in references_in(settings_alone(row.settings))
        if name not in fields or fields[name].secret
    }
    return {Destination(one, FLOWS.format(row.pk), row.team_id) for one in sections if one}


def read_by_flows(
    rows: Iterable[Connection], provider: type[Provider[Any]] | None = None
) -> dict[Destination, uuid.UUID]:
    """`flows_of` those connections that a reveal token reads, each with its connection. One query,
    none for connections without referenced secrets.
    """
    wanted = {one: row.pk for row in rows for one in flows_of(row, provider)}
    if not wanted:
        return {}
    tokens = valid_reveal_tokens().filter(connections__in=set(wanted.values()))
    read = set(tokens.values_list("connections", flat=True))
    return {one: pk for one, pk in wanted.items() if pk in read}


def valid_reveal_tokens() -> QuerySet[RevealToken]:
    """The reveal tokens that have not ended. That one's maker has left does not end it for good."""
    return RevealToken.objects.filter(revoked_at=None, expires_at__gt=timezone.now())


def hosts_of(row: Connection) -> list[HostApproval]:
    """The destinations of a connection: approvals, requests and refusals. One that nobody asked for
    yet is a row without an id.
    """
    wanted = {*destinations_of(row), *read_by_flows([row])}
    rows = _rows(wanted) if wanted and django_settings.CONNECTIONS_HOST_APPROVAL else {}
    return [row or HostApproval(None, one.section, one.host) for one, row in rows.items()]


def host_approvals(state: str = "") -> QuerySet[HostApproval]:
    """The hosts that were asked for, those that wait first, with who asked and who decided.

    `state`: only those in it.
    """
    waits = Case(When(state=HostApproval.State.REQUESTED, then=0), default=1)
    rows = HostApproval.objects.select_related("connection", "requested_by", "decided_by")
    rows = rows.filter(state=state) if state else rows
    rows = rows.prefetch_related("team").defer("connection__credentials")
    return rows.order_by(waits, "section", "host")


def _rows(wanted: Collection[Destination]) -> dict[Destination, HostApproval | None]:
    """The destinations, each with the answer for its team, else that for all, if there is one."""
    ordered = sorted(wanted, key=lambda one: (one.section, one.host, str(one.team)))
    known: dict[Destination, HostApproval] = {}
    for start in range(0, len(ordered), AT_ONCE):
        part = ordered[start : start + AT_ONCE]
        # more pairs than these, but SQLite takes no expression of a thousand ORs
        rows = host_approvals().filter(
            Q(team=None) | Q(team__in={one.team for one in part if one.team}),
            section__in={one.section for one in part},
            host__in={one.host for one in part},
        )
        known |= {Destination(row.section, row.host, row.team_id): row for row in rows}
    return {one: known.get(one) or known.get(replace(one, team=None)) for one in ordered}


def unapproved(wanted: Collection[Destination]) -> dict[Destination, HostApproval | None]:
    """Those of the destinations that nobody approved, each with its request or refusal if there is
    one. One query, several for very many.
    """
    if not wanted or not django_settings.CONNECTIONS_HOST_APPROVAL:
        return {}
    return {
        one: row
        for one, row in _rows(wanted).items()
        if row is None or row.state != HostApproval.State.APPROVED
    }


def unapproved_message(found: Mapping[Destination, HostApproval | None]) -> str:
    """Cause and cure for the first of the destinations that nobody approved."""
    one, row = next(iter(found.items()))
    values = {"section": one.section, "host": one.host, "who": row and row.decided_by}
    if row is not None and row.state == HostApproval.State.REFUSED:
        return (
            _(
                "The secrets of %(section)s may not be sent to %(host)s: that was refused by "
                "%(who)s. Ask an administrator, or use another host."
            )
            if row.decided_by
            else _(
                "The secrets of %(section)s may not be sent to %(host)s: that was refused. Ask an "
                "administrator, or use another host."
            )
        ) % values
    text = (
        _(
            "The secrets of %(section)s may not be sent to %(host)s before an administrator "
            "approves that. An administrator has been asked: see References, Hosts."
        )
        if row
        else _(
            "The secrets of %(section)s may not be sent to %(host)s before an administrator "
            "approves that. Save it to ask an administrator: see References, Hosts."
        )
    )
    return text % values


def refuse_unapproved(
    provider: type[Provider[Any]], stored: Mapping[str, Any], team: uuid.UUID | None
) -> None:
    """Raises Unusable while a referenced secret of a connection of this team would go to a host
    that nobody approved.
    """
    _refuse(destinations(provider, stored, team))


def refuse_unapproved_flows(row: Connection) -> None:
    """Raises Unusable while nobody approved that a reveal token reads the referenced secrets of a
    connection.
    """
    _refuse(flows_of(row))


def _refuse(wanted: Collection[Destination]) -> None:
    if found := unapproved(wanted):
        raise Unusable("host_not_approved", unapproved_message(found))
