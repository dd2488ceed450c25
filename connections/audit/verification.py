"""Whether events are as they were written: none changed, taken out, put in or moved."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

from ..models import AuditChain, AuditCheckpoint, AuditEvent, AuditMention
from .chain import HASHED, digest_of, start_of, state_of
from .checkpoints import chains_of, digest_of_document, pruning_of
from .keys import is_sealed, is_signed, known_public_keys

CHUNK = 5000
MOST_PROBLEMS = 1000
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
        of_day = chains_of(one)
        signed |= of_day
        gone |= of_day.keys() if one.pruned_at else set()
    there = {*AuditChain.objects.values_list("pk", flat=True)}
    there |= {*AuditEvent.objects.order_by().values_list("chain", flat=True).distinct()}
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
        except (ValueError, KeyError):
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
    except (ValueError, KeyError):
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
    _judge_head(report, chain, number, digest)
    if chain.follows not in followed:
        report.add("chain_changed", f"The chain {pk} follows a checkpoint that is not there.")
    state = [chain.instance, chain.follows, chain.length, chain.digest]
    if signed is not None and state != signed:
        text = f"The chain {pk} of {chain.day} is not as the checkpoint of that day signed it."
        report.add("not_as_signed", text)


def _has_more(pk: UUID, number: int) -> bool:
    return AuditEvent.objects.filter(chain=pk, number__gt=number).exists()


def _judge_events(report: Report, chain: AuditChain, number: int, digest: str) -> tuple[int, str]:
    """Reads the events of a chain after this number, and returns the last number and digest."""
    rows = AuditEvent.objects.filter(chain=chain.pk, number__gt=number).order_by("number")
    name = str(chain.pk)
    read = rows.values_list("pk", "number", "at", "digest", *HASHED).iterator(CHUNK)
    for pk, place, at, stored, *texts in read:
        if place != number + 1:
            text = f"Events {number + 1} to {place - 1} of the chain {name} are gone, before {pk}."
            report.add("events_gone", text, pk)
        elif stored != digest_of(digest, name, place, at, texts):
            text = f"The event {pk} ({at:%Y-%m-%d %H:%M:%S}) was changed, or the one before it."
            report.add("event_changed", text, pk)
        number, digest = place, stored
        report.events += 1
    return number, digest


def _judge_head(report: Report, chain: AuditChain, number: int, digest: str) -> None:
    is_right = is_sealed(state_of(chain), chain.key, chain.seal)
    report.unsealed += is_right is None
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
    """Compares the further objects of events with the rows by which they are found."""
    events = AuditEvent.objects.filter(body__contains='"others"').order_by("pk")
    rows = AuditMention.objects.order_by("event_id").values_list("event_id", "kind", "object_id")
    found = groupby(rows.iterator(CHUNK), key=lambda one: one[0])
    said = _said(events.values_list("pk", "body").iterator(CHUNK))
    for pk, is_same in _merged(said, found):
        if not is_same:
            text = f"The event {pk} names further objects, and is not found at all of them."
            report.add("mentions_changed", text, pk)


def _said(rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, set[tuple[str, str]]]]:
    for pk, body in rows:
        try:
            others = json.loads(body).get("others", [])
        except ValueError:
            continue  # an event that was changed
        if objects := {(kind, key) for kind, key, _name in others if key}:
            yield pk, objects


def _merged(said: Iterator[Any], found: Iterator[Any]) -> Iterator[tuple[int, bool]]:
    """Each event of either, in order, and whether both say the same of it."""
    one, other = next(said, None), next(found, None)
    while one or other:
        if one and (other is None or one[0] < other[0]):
            yield one[0], False
            one = next(said, None)
        elif other and (one is None or other[0] < one[0]):
            yield other[0], False
            other = next(found, None)
        elif one and other:
            yield one[0], one[1] == {(kind, key) for _pk, kind, key in other[1]}
            one, other = next(said, None), next(found, None)
