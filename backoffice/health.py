"""For load balancers and orchestrators: is the process alive, and can it work."""

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from connections.credentials import fernet


@login_not_required
@require_safe
def health_live(_request: HttpRequest) -> JsonResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def health_ready(_request: HttpRequest) -> JsonResponse:
    """200 when the database answers, every migration is applied and the keys can be used; else 503
    with what is not.
    """
    checks = {"database": _database(), "migrations": False, "keys": _keys()}
    checks["migrations"] = checks["database"] and _migrations()
    is_ready = all(checks.values())
    body = {
        "status": "ok" if is_ready else "unavailable",
        "checks": {name: "ok" if good else "failed" for name, good in checks.items()},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _database() -> bool:
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _migrations() -> bool:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _keys() -> bool:
    try:
        return fernet().decrypt(fernet().encrypt(b"ready")) == b"ready"
    except (ImproperlyConfigured, ValueError):
        return False
