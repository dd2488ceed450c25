"""The only door of the audit: services of every room name and record their acts here."""

from .origin import Origin, coming_from, origin
from .recording import Change, Subject, act, record, record_refusal
from .words import sentence

__all__ = [
    "Change",
    "Origin",
    "Subject",
    "act",
    "coming_from",
    "origin",
    "record",
    "record_refusal",
    "sentence",
]
