"""Sources in which references are looked up: one module each.

A source says `None` for "I do not have it" and raises SourceError for "I could not look". Keys are
tuples of segments, compared without regard to case. Imports no models.
"""

from .addresses import make_sources
from .base import Fault, ListsNames, Outage, Source, SourceError
from .directory import DirectorySource
from .environment import EnvironmentSource
from .file import FileSource
from .kept import KeptStore
from .settings import MappingSource

__all__ = [
    "DirectorySource",
    "EnvironmentSource",
    "Fault",
    "FileSource",
    "KeptStore",
    "ListsNames",
    "MappingSource",
    "Outage",
    "Source",
    "SourceError",
    "make_sources",
]
