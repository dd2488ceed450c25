"""Where the value of a reference came from: its source, when that was read, and whether a new value
needs a restart.
"""

import time
from datetime import datetime, timedelta

from django.utils import timezone

from . import conf
from .references import ENV_SECTION, Resolution, State, parse
from .sources import DirectorySource, FileSource, KeptStore, MappingSource

STARTED = timezone.now()  # of this process, which read its environment then


def provenance(resolution: Resolution) -> str:
    """Sentences about a value that was found; empty for any other resolution."""
    if resolution.state != State.RESOLVED:
        return ""
    source = next((one for one in conf.resolver().sources if one.name == resolution.source), None)
    came = f"Its value came from {resolution.source}"
    if isinstance(source, KeptStore):
        return f"{came}, which was read at {_asked(resolution):%Y-%m-%d %H:%M:%S} UTC. {AGAIN}"
    if isinstance(source, FileSource | DirectorySource):
        return f"{came}, which is read at each use. {AGAIN}"
    if isinstance(source, MappingSource):
        return f"{came}, which is read when the server starts. A new value needs a restart."
    key = parse(resolution.reference)
    name = key[1] if key[0].lower() == ENV_SECTION else "__".join(key)
    return (
        f"{came} ({name}), as this process got it when it started at {STARTED:%Y-%m-%d %H:%M} UTC. "
        "A new value needs a restart, unless it is in a file that a variable ending in _FILE names."
    )


AGAIN = "A new value there needs no restart."


def _asked(resolution: Resolution) -> datetime:
    if resolution.asked_at is None:
        return timezone.now()
    return timezone.now() - timedelta(seconds=time.monotonic() - resolution.asked_at)
