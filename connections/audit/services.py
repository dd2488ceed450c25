"""The only door of the audit: services of every room name and record their acts here."""

from ..models import Outcome
from .origin import Origin, coming_from, origin
from .recording import Change, Subject, act, record, record_noted, record_refusal
from .words import kind_named, sentence

__all__ = [
    "Change",
    "Origin",
    "Outcome",
    "Subject",
    "act",
    "coming_from",
    "kind_named",
    "origin",
    "record",
    "record_noted",
    "record_refusal",
    "sentence",
]
