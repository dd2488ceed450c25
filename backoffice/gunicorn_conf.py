"""Gunicorn's configuration: `gunicorn -c python:backoffice.gunicorn_conf`. The names are
gunicorn's.
"""

import ctypes
import gc
import logging
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import django

from .environment import stopping
from .keys import require_keys

if TYPE_CHECKING:
    from .telemetry.places import Places

with stopping():
    from . import settings

    if not isinstance(settings.FERNET_KEYS, list):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
        django.setup()  # what a store or a key service says is translated
    require_keys(settings.SECRET_KEY, settings.FERNET_KEYS)
_host, _port = settings.HOST, settings.PORT
_address = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"

wsgi_app = "backoffice.asgi:application"
worker_class = "backoffice.asgi_worker.BoundedWorker"
workers = settings.WEB_CONCURRENCY
bind = _address
preload_app = True  # loaded once, shared by the workers: half the start, less memory
# the default of 2 s makes clients that reuse connections fail at the edge
keepalive = settings.IDLE_TIMEOUT
graceful_timeout = settings.GRACEFUL_TIMEOUT  # for running requests and streams
asgi_lifespan = "on"  # the gateway writes what is left of its usage records when the server stops
control_socket_disable = True  # it would live in the home directory, one per user
accesslog = "-"
logger_class = "backoffice.access_log.AccessLog"
access_log_format = '%(h)s %(t)s "%(r)s" %(s)s %(b)s %(D)sus [%({x-request-id}o)s]'
loglevel = "warning"
M_ARENA_MAX, ARENAS = -8, 2  # the first is its number in glibc's malloc.h
_places: "Places | None" = None  # where the workers count, if anybody may read it


def on_starting(server: Any) -> None:
    """Called once, in the master process, before it listens and anything is forked."""
    global _places
    from connections.telemetry import metrics

    from .master import Master
    from .telemetry.places import Places

    _bound_arenas()
    Master.take_over(server)
    if metrics.is_on():
        _places = Places(server.cfg.workers)


def _bound_arenas() -> None:
    """glibc's threads allocate in up to eight arenas for each core, and what is free in one of
    them serves no other: a worker took 20 MB more and grew for longer (mallopt(3)). The variable
    MALLOC_ARENA_MAX says another number.
    """
    if "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def pre_fork(_server: Any, worker: Any) -> None:
    """Called before each worker is forked."""
    if _places:
        _places.take(worker.age)


def child_exit(_server: Any, worker: Any) -> None:
    """Called after a worker has ended, in whatever way."""
    if _places:
        _places.give_back(worker.age)


def post_fork(_server: Any, worker: Any) -> None:
    """Called in each worker: it gives up a little before it is killed, or it could not write its
    last usage records.
    """
    # Pages and imports compute in threads beside the event loop. Whoever of them waits for the
    # interpreter waits for this long each time, and Python's own 5 ms become 200 in one request.
    sys.setswitchinterval(0.0003)
    if _places:
        _places.enter(worker.age)
    if worker.age == 1:  # the first of them, once in each start
        from .starts import tell_start

        tell_start()
    worker.cfg.set("graceful_timeout", max(1, worker.cfg.graceful_timeout - 3))


def when_ready(server: Any) -> None:
    """Called once, before the first worker is forked: all of them share what is loaded here."""
    # the application is loaded by now
    from gateway.routing.warming import load_sdks

    from .documents import searching

    load_sdks()
    searching.load()
    if _places:
        from providers.core.prices import load_prices

        load_prices()
    # What is loaded stays: no process looks through it again, so that workers begin sooner, share
    # its memory and end at once (docs.python.org/3/library/gc.html#gc.freeze).
    gc.collect()
    gc.freeze()
    # by the sockets: `--bind` and systemd's take the place of HOST and PORT
    told = f"Switchboard is at {', '.join(map(_told, server.LISTENERS))}"
    if settings.LOG_FORMAT == "json":
        logging.getLogger("switchboard").info("%s", told)
    else:
        print(f"{told} (stop it with Ctrl-C)", flush=True)


def _told(listener: Any) -> str:
    """A socket that is listened at, as people type it."""
    return f"{listener}/" if "://" in str(listener) else str(listener)
