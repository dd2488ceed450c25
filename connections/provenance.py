"""Where the value of a reference came from: its source, when that was read, and whether a new value
needs a restart.
"""

import os
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from providers.core.env_file import FROM_FILE, EnvFileError, load_env_file

from . import conf
from .references import ENV_SECTION, Resolution, State, parse
from .sources import DirectorySource, EnvironmentSource, FileSource, KeptStore, MappingSource
from .sources.environment import spelling

STARTED = timezone.now()  # of this process, which read its environment then


def provenance(resolution: Resolution) -> str:
    """Sentences about a value that was found; empty for any other resolution."""
    if resolution.state != State.RESOLVED:
        return ""
    source = next((one for one in conf.resolver().sources if one.name == resolution.source), None)
    told = {"source": resolution.source}
    if isinstance(source, KeptStore):
        text = _(
            "Its value came from %(source)s, which was read at %(moment)s UTC. A new value there "
            "needs no restart."
        )
        return text % {**told, "moment": f"{_asked(resolution):%Y-%m-%d %H:%M:%S}"}
    if isinstance(source, FileSource | DirectorySource):
        text = _(
            "Its value came from %(source)s, which is read at each use. A new value there needs "
            "no restart."
        )
        return text % told
    if isinstance(source, MappingSource):
        text = _(
            "Its value came from %(source)s, which is read when the server starts. A new value "
            "needs a restart."
        )
        return text % told
    key = parse(resolution.reference)
    told["name"] = key[1] if key[0].lower() == ENV_SECTION else "__".join(key)
    text = _(
        "Its value came from %(source)s (%(name)s), as this process got it when it started at "
        "%(moment)s UTC. A new value needs a restart, unless it is in a file that a variable "
        "ending in _FILE names."
    )
    return text % {**told, "moment": f"{STARTED:%Y-%m-%d %H:%M}"}


def lost_at_a_restart(resolutions: Iterable[Resolution]) -> list[Resolution]:
    """Those whose values this process has from .env, which has them no longer: after a restart they
    are missing.
    """
    given = os.environ.get(FROM_FILE, "").split(",")
    values: dict[str, str] = {}
    try:
        load_env_file(settings.ENV_FILE, values)
    except EnvFileError:
        return []  # nothing is known, and the next start says why
    lost = {spelling(name) for name in given if name} - {spelling(one) for one in values}
    return [one for one in resolutions if lost and _variable(one) in lost]


def _variable(resolution: Resolution) -> str:
    """The spelling of the variable that it came from; empty for another source."""
    if resolution.state != State.RESOLVED or resolution.source != EnvironmentSource.name:
        return ""
    key = parse(resolution.reference)
    return spelling(key[1] if key[0].lower() == ENV_SECTION else "__".join(key))


def _asked(resolution: Resolution) -> datetime:
    if resolution.asked_at is None:
        return timezone.now()
    return timezone.now() - timedelta(seconds=time.monotonic() - resolution.asked_at)
