"""Whether events are as they were written: none changed, taken out, put in or moved."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DataError, OperationalError, connection
from django.db.models import TextField
from django.db.models.functions import Cast

from ..models import AuditChain, AuditCheckpoint, AuditEvent
from .chain import HASHED, digest_of, start_of, state_of
from .checkpoints import chains_of, digest_of_document, pruning_of
from .keys import is_sealed, is_signed, known_public_keys
from .mentions import wrong_mentions

CHUNK = 5000
MOST_PROBLEMS = 1000
UNREADABLE = (ValueError, TypeError, OverflowError, DataError, OperationalError)
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written. `code` is stable; `event`: its id, if it is one."""

    code: str
    text: str
    event: int | None = None


@dataclass
class Report:
    """What was looked at, and what was wrong. `unsealed`: chains whose key is not here, so that
    only their digests say that they are whole.
    """

    events: int = 0
    checkpoints: int = 0
    pruned: int = 0
    unsealed: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, code: str, text: str, event: int | None = None) -> None:
        """Adds a problem; after MOST_PROBLEMS no more are kept."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(code, text, event))


def verify(
    told: Told | None = None,
    *,
    elsewhere: Iterable[Mapping[str, str]] = (),
    public_keys: Iterable[str] = (),
) -> Report:
    """Reads everything and says what is wrong. Nothing is written, nobody is held up.

    `told`: hears how many chains are through, and of how many. `elsewhere`: checkpoints that were
    kept in another place, each with `day` and `digest`. `public_keys`: whose signatures are
    believed; none: those that this installation knows.
    """
    report, trusted = Report(), frozenset(public_keys) or known_public_keys()
    checkpoints = list(AuditCheckpoint.objects.order_by("day"))
    _judge_checkpoints(report, checkpoints, trusted, elsewhere)
    signed: dict[str, Any] = {}
    gone: set[str] = set()
    for one in checkpoints:
        of_day = _signed_chains(one)
        signed |= of_day
        gone |= of_day.keys() if one.pruned_at else set()
    there = _ids(report, AuditChain, "pk") | _ids(report, AuditEvent, "chain")
    followed = {"", *(one.digest for one in checkpoints)}
    for missing in signed.keys() - gone - {str(pk) for pk in there}:
        report.add("chain_gone", f"All events of the chain {missing}, which is signed, are gone.")
    for old in sorted(gone & {str(pk) for pk in there}):
        text = f"Events of the chain {old}, which is deleted for its age, are there: they were put "
        report.add("left_over", f"{text}in, or the deletion ended in the middle. Run it again.")
    left = sorted(pk for pk in there if str(pk) not in gone)
    for number, pk in enumerate(left, 1):
        _judge_chain(report, pk, signed.get(str(pk)), followed)
        if told:
            told(number, len(left))
    _judge_mentions(report)
    return report


def _ids(report: Report, model: Any, name: str) -> set[UUID]:
    """The chains that a table names. Where ids are texts, one that is written in another way would
    be in no chain that is read.
    """
    found = set()
    texts = model.objects.order_by().values_list(Cast(name, TextField()), flat=True).distinct()
    for text in texts:
        try:
            pk = UUID(text)
        except (ValueError, TypeError):
            pk = None
        if pk is None or text != _written(pk):
            event = AuditEvent.objects.annotate(text=Cast("chain", TextField())).filter(text=text)
            first = event.order_by("pk").values_list("pk", flat=True).first()
            report.add("unknown_chain", f"{text!r} is the id of no chain: it was put in.", first)
        else:
            found.add(pk)
    return found


def _written(pk: UUID) -> str:
    stored = AuditChain._meta.pk.get_db_prep_value(pk, connection)
    return str(stored)


def _signed_chains(one: AuditCheckpoint) -> dict[str, Any]:
    try:
        return chains_of(one)
    except (ValueError, KeyError, TypeError, IndexError):
        return {}  # one that was changed


def _judge_checkpoints(
    report: Report,
    checkpoints: list[AuditCheckpoint],
    trusted: frozenset[str],
    elsewhere: Iterable[Mapping[str, str]],
) -> None:
    before = ""
    for one in checkpoints:
        report.checkpoints += 1
        try:
            said = json.loads(one.body)
            follows, day = said["before"], said["day"]
        except (ValueError, KeyError, TypeError):
            follows = day = None
        is_whole = one.digest == digest_of_document(one.body) and day == str(one.day)
        if not is_whole or not is_signed(one.body, one.signature, one.public_key):
            report.add("checkpoint_changed", f"The checkpoint of {one.day} was changed.")
        elif one.public_key not in trusted:
            text = f"The checkpoint of {one.day} is signed by the key {one.public_key}, which is "
            report.add("unknown_key", f"{text}not one of ours. AUDIT_PUBLIC_KEYS names others.")
        if follows != before:
            text = f"The checkpoint of {one.day} does not follow the one before it: one is gone."
            report.add("checkpoint_gone", text)
        if one.pruned_at:
            report.pruned += 1
            _judge_pruning(report, one, trusted)
        before = one.digest
    known = {str(one.day): one.digest for one in checkpoints}
    for kept in elsewhere:
        if known.get(kept["day"]) != kept["digest"]:
            text = f"The checkpoint of {kept['day']} is not the one that was kept elsewhere."
            report.add("checkpoint_differs", text)


def _judge_pruning(report: Report, one: AuditCheckpoint, trusted: frozenset[str]) -> None:
    try:
        number = json.loads(one.pruning)["events"]
    except (ValueError, KeyError, TypeError):
        number = 0
    is_right = one.pruned_at and one.pruning == pruning_of(one, one.pruned_at, number)
    if not is_right or not any(is_signed(one.pruning, one.pruning_signature, k) for k in trusted):
        text = (
            f"The events of {one.day} are said to be deleted for their age, and nobody signed it."
        )
        report.add("pruning_not_signed", text)


def _judge_chain(report: Report, pk: UUID, signed: Any, followed: set[str]) -> None:
    """Reads a chain from its first event to its last. It may grow meanwhile: its head is read
    after its events, and then what came since.
    """
    chain = AuditChain.objects.filter(pk=pk).first()
    if chain is None:
        first = AuditEvent.objects.filter(chain=pk).order_by("number").values_list("pk").first()
        text = f"Nobody began the chain {pk}: its events were put in."
        report.add("unknown_chain", text, first and first[0])
        return
    number, digest = 0, start_of(chain)
    while True:
        number, digest = _judge_events(report, chain, number, digest)
        chain.refresh_from_db()
        if chain.length <= number or not _has_more(pk, number):
            break
    _judge_head(report, chain, number, digest, is_signed_day=signed is not None)
    if chain.follows not in followed:
        report.add("chain_changed", f"The chain {pk} follows a checkpoint that is not there.")
    state = [chain.instance, chain.follows, chain.length, chain.digest]
    if signed is not None and signed[4:]:
        text = f"The chain {pk} of {chain.day} was sealed by no key of ours when it was signed."
        report.add("signed_unsealed", text)
    if signed is not None and state != signed[:4]:
        text = f"The chain {pk} of {chain.day} is not as the checkpoint of that day signed it."
        report.add("not_as_signed", text)


def _has_more(pk: UUID, number: int) -> bool:
    return AuditEvent.objects.filter(chain=pk, number__gt=number).exists()


def _judge_events(report: Report, chain: AuditChain, number: int, digest: str) -> tuple[int, str]:
    """Reads the events of a chain after this number, and returns the last number and digest."""
    rows = AuditEvent.objects.filter(chain=chain.pk, number__gt=number).order_by("number")
    name = str(chain.pk)
    columns = rows.values_list("pk", "number", "at", "digest", *HASHED)
    for pk, place, at, stored, *texts in _readable(report, columns, number):
        if place != number + 1:
            text = f"Events {number + 1} to {place - 1} of the chain {name} are gone, before {pk}."
            report.add("events_gone", text, pk)
        elif at is None:  # a text that is no time, where times are texts
            report.add("event_changed", f"The event {pk} has no time: it was changed.", pk)
        elif stored != digest_of(digest, name, place, at, texts):
            text = f"The event {pk} ({at:%Y-%m-%d %H:%M:%S}) was changed, or the one before it."
            report.add("event_changed", text, pk)
        number, digest = place, stored
        report.events += 1
    return number, digest


def _readable(report: Report, columns: Any, number: int) -> Iterator[Any]:
    """The rows after a number, without those that cannot be read, which are told."""
    try:
        for row in columns.iterator(CHUNK):
            number = row[1]
            yield row
    except UNREADABLE:
        for pk in columns.filter(number__gt=number).values_list("pk", flat=True):
            try:
                yield columns.get(pk=pk)
            except UNREADABLE:
                report.add("event_changed", f"The event {pk} cannot be read: it was changed.", pk)


def _judge_head(
    report: Report, chain: AuditChain, number: int, digest: str, *, is_signed_day: bool
) -> None:
    is_right = is_sealed(state_of(chain), chain.key, chain.seal)
    report.unsealed += is_right is None
    if is_right is None and not is_signed_day:
        text = f"The head of the chain {chain.pk} of {chain.day} is sealed by no key that is here, "
        report.add("seal_unknown", f"{text}and no checkpoint signs it.")
    if is_right is False:
        text = f"The head of the chain {chain.pk} of {chain.day} was changed."
        report.add("head_changed", text)
    if number < chain.length:
        text = f"Events {number + 1} to {chain.length} of the chain {chain.pk} are gone."
        report.add("events_gone", text)
    elif number > chain.length:
        text = f"Events were put in at the end of the chain {chain.pk}, after {chain.length}."
        report.add("events_put_in", text)
    elif digest != (chain.digest or start_of(chain)):
        text = f"The last event of the chain {chain.pk} of {chain.day} is not the one sealed."
        report.add("end_changed", text)


def _judge_mentions(report: Report) -> None:
    for pk in wrong_mentions():
        text = f"The event {pk} names further objects, and is not found at all of them."
        report.add("mentions_changed", text, pk)
