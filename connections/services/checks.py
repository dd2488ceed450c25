"""Testing connections and listing models: the only place where a page makes a call to the
outside.
"""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Model, Provider
from providers.core.ends import KeyEnd, first_of
from providers.core.prices import priced
from providers.core.values import CHECK_LIMITS, CHECK_SECONDS

from .. import conf
from ..audit.services import Subject, act, record
from ..counts import add_to_count
from ..credentials import Misplaced
from ..destinations import destinations
from ..errors import Invalid, Throttled, Unusable
from ..health.services import forget_failures
from ..kept import settings_alone
from ..locks import hold, retried
from ..models import Connection, ConnectionCheck, ConnectionTraffic, Outcome, Team
from ..models.traffic import FAILED
from ..outlooks import note_learned
from ..runtime import get_configured_provider, noting_resolutions
from ..section_teams import asker_of
from .approvals import ask_for_hosts
from .checking import CheckResult, run_check
from .drafts import known_provider
from .permissions import Actor, require
from .sections import denied_sections
from .settings_validation import SettingsResult, validate_settings

MODELS_SECONDS = 300  # how long a list of models is remembered, per version of the connection


@act("connection.test")
def test_connection(connection: Connection, *, actor: Actor) -> ConnectionCheck:
    """Tests a saved connection, also an inactive one, and records the outcome.

    Raises Throttled, PermissionDenied.
    """
    require(actor, "connections.test_connection", on=connection)
    count_tests(actor)
    with _one_at_a_time(str(connection.pk)):
        outcome = prepare_check(connection)
        if not isinstance(outcome, CheckResult):
            outcome = run_check(outcome)
        with transaction.atomic():
            check = record_check(connection, outcome, actor)
            record(connection, actor=actor, outcome=_outcome(outcome), code=outcome.code)
        return check


def _outcome(result: CheckResult) -> Outcome:
    return Outcome.DONE if result.success else Outcome.FAILED


@override("en")  # what it says is stored
@sensitive_variables()
def prepare_check(connection: Connection) -> Provider[Any] | CheckResult:
    """The provider to be asked by `run_check`, or why it cannot be asked."""
    try:
        with noting_resolutions() as noted:
            provider = get_configured_provider(connection, limits=CHECK_LIMITS, even_inactive=True)
    except Unusable as error:
        return CheckResult(False, error.code, error.message)
    provider.kept_end = first_of(KeyEnd(one.ends_at, one.source) for one in noted)
    return provider


@retried
def record_check(connection: Connection, outcome: CheckResult, actor: Actor) -> ConnectionCheck:
    """Remembers an outcome for the version that was tested.

    No new version of the connection, no history row.
    """
    with transaction.atomic():
        check = _check(connection, outcome, connection.last_check, checked_by=actor)
        check.save()
        Connection.every.filter(pk=connection.pk).update(last_check=check)
        if outcome.success:
            forget_failures(connection, outcome.asked_at)
        if outcome.learned:
            note_learned([(connection, outcome.learned)])
    connection.last_check = check
    return check


@retried
def record_scheduled(outcomes: Sequence[tuple[Connection, CheckResult]]) -> None:
    """As `record_check`, for several that were made by themselves. A connection that is gone is
    left out.
    """
    with transaction.atomic():
        rows = Connection.objects.only("last_check").select_related("last_check")
        there = hold(rows, [row.pk for row, _ in outcomes])
        kept = [(row, outcome) for row, outcome in outcomes if row.pk in there]
        checks = [
            _check(row, outcome, there[row.pk].last_check, is_scheduled=True)
            for row, outcome in kept
        ]
        ConnectionCheck.objects.bulk_create(checks)
        passed = {row.pk: outcome.asked_at for row, outcome in kept if outcome.success}
        failed = ConnectionTraffic.objects.filter(connection__in=passed, recent__contains=FAILED)
        for check in checks:
            there[check.connection_id].last_check = check
        for pk in set(failed.values_list("connection_id", flat=True)):
            forget_failures(there[pk], passed[pk])
        Connection.objects.bulk_update(there.values(), ["last_check"])
        note_learned([(row, outcome.learned) for row, outcome in kept if outcome.learned])


def _check(
    connection: Connection, outcome: CheckResult, before: ConnectionCheck | None, **columns: Any
) -> ConnectionCheck:
    now, since = timezone.now(), None
    if not outcome.success:
        is_repeated = (
            before is not None
            and not before.success
            and before.connection_version >= connection.settings_version
        )
        since = (before.failing_since or before.checked_at) if before and is_repeated else now
    return ConnectionCheck(
        connection=connection,
        connection_version=connection.version,
        success=outcome.success,
        code=outcome.code,
        message=outcome.message[:500],
        asked=outcome.asked[:500],
        latency_ms=outcome.latency_ms,
        model_count=outcome.model_count,
        failing_since=since,
        **columns,
    )


@act("connection.test")
@sensitive_variables("settings", "result")
def test_settings(
    provider_id: str,
    settings: Mapping[str, Any],
    *,
    actor: Actor,
    connection: Connection | None = None,
    team: Team | None = None,
) -> CheckResult:
    """Tests values that are not saved, filled in from `connection` by the write rule.
    `team`: to which a new connection would belong, None for one that all share.

    Of its outcome only an event is left, with the hosts.

    Raises Invalid at the field that is wrong (also when an address changed and the key was not
    entered again), Throttled.
    """
    require(
        actor,
        "connections.test_connection",
        f"connections.{'change' if connection else 'add'}_connection",
        on=connection or Connection(team=team),
    )
    provider = known_provider(
        connection.provider_id if connection else provider_id, is_new=connection is None
    )
    row = connection or Connection(team=team)
    found = _tested(provider, settings, connection, row.team_id, actor)
    record(
        connection or Subject("connection", name=f"({provider.name})", team=team),
        actor=actor,
        detail={"unsaved": True, "asked": found.asked},
        outcome=_outcome(found),
        code=found.code,
    )
    return found


@sensitive_variables("settings", "result")
def _tested(
    provider: type[Provider[Any]],
    settings: Mapping[str, Any],
    connection: Connection | None,
    team_id: uuid.UUID | None,
    actor: Actor,
) -> CheckResult:
    stored = (connection.settings, connection.credentials) if connection else ({}, None)
    asker = asker_of(team_id)
    result = validate_settings(provider, settings, *stored, asker=asker)
    if result.errors:
        raise Invalid(result.errors)
    wanted = destinations(provider, settings_alone(result.values), asker.team)
    if asked := ask_for_hosts(wanted, actor):
        hosts = ", ".join(sorted({one.host for one in wanted}))
        return CheckResult(False, "host_not_approved", asked, asked=hosts)
    if result.validated is None:
        return _unusable(result)
    count_tests(actor)
    with _one_at_a_time(
        str(connection.pk if connection else f"{getattr(actor, 'pk', '')}:{provider.id}")
    ):
        return run_check(provider(result.validated, egress=conf.egress(), limits=CHECK_LIMITS))


def _unusable(result: SettingsResult) -> CheckResult:
    """The outcome for values that are valid, but cannot be used: cause and cure."""
    is_misplaced = isinstance(result.credentials, Misplaced)
    lost_code = "misplaced" if is_misplaced else "undecryptable"
    code = "unresolved_reference" if result.unresolved else lost_code
    lost = (
        _("The stored credentials belong to other settings. Enter them again.")
        if is_misplaced
        else _("The stored credentials cannot be decrypted. Enter them again.")
    )
    return CheckResult(False, code, " ".join(result.unresolved) or lost)


def list_models(connection: Connection, *, actor: Actor, refresh: bool = False) -> list[Model]:
    """The models of a saved connection, with what they read and cost as far as that is known;
    remembered for a while per version.

    Raises Unusable, ProviderError, Throttled.
    """
    require(actor, "connections.view_connection", on=connection)
    key = f"models:{connection.pk}:{connection.version}"
    is_denied = any(denied_sections([connection]).values())  # what is kept is not for it any more
    models: list[Model] | None = None if refresh or is_denied else cache.get(key)
    if models is None:
        count_tests(actor)
        provider = get_configured_provider(connection, limits=CHECK_LIMITS, even_inactive=True)
        tables = provider.price_list, provider.price_address
        models = priced(provider.list_models(), *tables, timezone.now())
        cache.set(key, models, MODELS_SECONDS)
    return models


def count_tests(actor: Actor, number: int = 1) -> None:
    """Raises Throttled when this person has asked for more than CONNECTIONS_TEST_RATE checks within
    a minute.
    """
    if actor is None:
        return
    minute, left = divmod(int(time.time()), 60)
    key = f"checks:{actor.pk}:{minute}"
    if add_to_count(key, number, 120) > django_settings.CONNECTIONS_TEST_RATE:
        text = ngettext(
            "Too many tests within a minute. Try again in %(seconds)d second.",
            "Too many tests within a minute. Try again in %(seconds)d seconds.",
            60 - left,
        )
        raise Throttled(text % {"seconds": 60 - left}, 60 - left)


@contextmanager
def _one_at_a_time(what: str) -> Iterator[None]:
    """One running check of a thing. The lock dies by itself, should its process."""
    key, token = f"checking:{what}", uuid.uuid4().hex
    if not cache.add(key, token, int(CHECK_SECONDS * 3)):
        text = _("A test of this connection is running already. Wait for its answer.")
        raise Throttled(text, int(CHECK_SECONDS))
    try:
        yield
    finally:
        if cache.get(key) == token:
            cache.delete(key)
