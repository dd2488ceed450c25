"""The only door of the audit: services of every room name and record their acts here, and surfaces
read them.
"""

from ..models import Outcome
from .bounded import times_due
from .chain import instance, reseal
from .checkpoints import make_checkpoints, prune_events
from .filters import BY, FILTERS, VIEW, BadFilter, wanted
from .origin import Origin, come_from, coming_from, origin
from .reading import Told, text_of, told
from .recording import act, forget_notes, has_notes, note, record, record_refusal
from .selectors import BadPlace, Found, batches, event, find
from .streams import StreamTarget, read_targets, stream_names, stream_targets
from .verification import Problem, Report, verify
from .words import kind_named, sentence, things, verbs
from .writing import Change, Subject

__all__ = [
    "BY",
    "FILTERS",
    "VIEW",
    "BadFilter",
    "BadPlace",
    "Change",
    "Found",
    "Origin",
    "Outcome",
    "Problem",
    "Report",
    "StreamTarget",
    "Subject",
    "Told",
    "act",
    "batches",
    "come_from",
    "coming_from",
    "event",
    "find",
    "forget_notes",
    "has_notes",
    "instance",
    "kind_named",
    "make_checkpoints",
    "note",
    "origin",
    "prune_events",
    "read_targets",
    "record",
    "record_refusal",
    "reseal",
    "sentence",
    "stream_names",
    "stream_targets",
    "text_of",
    "things",
    "times_due",
    "told",
    "verbs",
    "verify",
    "wanted",
]
