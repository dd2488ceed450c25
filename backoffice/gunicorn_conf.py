"""Gunicorn's configuration: `gunicorn -c python:backoffice.gunicorn_conf`. The names are
gunicorn's.
"""

from typing import Any

from .environment import stopping

with stopping():
    from .settings import ENVIRONMENT

    _host = ENVIRONMENT.text("HOST", "127.0.0.1")
    _port = ENVIRONMENT.whole("PORT", 8000, least=1, most=65535)
    _workers = ENVIRONMENT.whole("WEB_CONCURRENCY", 2, least=1, most=1000)
    _idle = ENVIRONMENT.whole("IDLE_TIMEOUT", 75, least=1)
    _grace = ENVIRONMENT.whole("GRACEFUL_TIMEOUT", 30, least=1)
_address = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"

wsgi_app = "backoffice.asgi:application"
worker_class = "backoffice.asgi_worker.BoundedWorker"
workers = _workers
bind = _address
preload_app = True  # loaded once, shared by the workers: half the start, less memory
# the default of 2 s makes clients that reuse connections fail at the edge
keepalive = _idle
graceful_timeout = _grace  # for running streams; an idle connection counts as unfinished too
asgi_lifespan = "on"  # the gateway writes what is left of its usage records when the server stops
control_socket_disable = True  # it would live in the home directory, one per user
accesslog = "-"
logger_class = "backoffice.access_log.AccessLog"
access_log_format = '%(h)s %(t)s "%(r)s" %(s)s %(b)s %(D)sus [%({x-request-id}o)s]'
loglevel = "warning"


def post_fork(_server: Any, worker: Any) -> None:
    """Called in each worker: it gives up a little before it is killed, or it could not write its
    last usage records.
    """
    worker.cfg.set("graceful_timeout", max(1, worker.cfg.graceful_timeout - 3))


def when_ready(_server: Any) -> None:
    """Called once, before the first worker is forked: all of them share what is loaded here."""
    from gateway.routing.warming import load_sdks  # the application is loaded by now

    load_sdks()
    print(f"Switchboard is at http://{_address}/ (stop it with Ctrl-C)", flush=True)
