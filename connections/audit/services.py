"""The only door of the audit: services of every room name and record their acts here."""

from ..models import Outcome
from .bounded import times_due
from .checkpoints import make_checkpoints, prune_events
from .origin import Origin, coming_from, origin
from .recording import Change, Subject, act, record, record_noted, record_refusal
from .verification import Problem, Report, verify
from .words import kind_named, sentence

__all__ = [
    "Change",
    "Origin",
    "Outcome",
    "Problem",
    "Report",
    "Subject",
    "act",
    "coming_from",
    "kind_named",
    "make_checkpoints",
    "origin",
    "prune_events",
    "record",
    "record_noted",
    "record_refusal",
    "sentence",
    "times_due",
    "verify",
]
