"""The contract of promptflow-core 1.18.5
(`core/_connection_provider/_http_connection_provider.py`): `GET connections` answers a JSON array
of execution dicts, `GET connections/<name>` one. The client sends no header and no credentials but
its address, repeats nothing, and raises on any status from 400 on.
"""

import time
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from .. import services as core
from ..client_ip import address_of
from ..models import Connection
from ..outages import database_outage, log_outage
from ..viewing import viewing
from . import services

REFUSAL_SECONDS = 0.05  # every refusal takes at least this, so that its time does not tell why
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "none"}
MOST_LEFT_OUT = 20  # that a header lists

NOTHING = (
    "There is nothing here for this address. Check the token, its end, and from where you ask."
)

View = Callable[..., HttpResponse]


def problem(status: int, code: str, detail: str) -> JsonResponse:
    """A refusal, as RFC 9457 has it."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def endpoint(view: View) -> View:
    """Makes a view an address of this kind: GET and HEAD, no session, no cache, and every refusal
    in the same words and time.
    """

    @login_not_required
    @csrf_exempt  # nothing is changed, and every other method is refused
    @wraps(view)
    @sensitive_variables()
    def answer(request: HttpRequest, **kwargs: str) -> HttpResponse:
        started = time.monotonic()
        _hide(request, kwargs.get("name", "" if "token" in kwargs else None))
        try:
            with viewing(None):  # the token's person decides, and nobody is signed in
                response = (
                    view(request, **kwargs)
                    if request.method in ("GET", "HEAD")
                    else _other_method()
                )
        except services.NotRevealed:
            response = problem(404, "not_found", NOTHING)
            time.sleep(max(0.0, started + REFUSAL_SECONDS - time.monotonic()))
        except Connection.DoesNotExist as error:
            response = problem(404, "not_found", str(error))
        except core.Unusable as error:
            response = problem(
                404 if error.code == "connection_inactive" else 409, error.code, error.message
            )
        except core.Invalid as error:
            response = problem(409, error.errors[0].code, error.errors[0].message)
        except core.Throttled as error:
            response = problem(429, "rate_limited", str(error))
            response["Retry-After"] = str(error.seconds)
        except (DatabaseError, InterfaceError) as error:
            response = _without_database(error)
        for header, value in HEADERS.items():
            response[header] = value
        return response

    return answer


def _without_database(error: Exception) -> HttpResponse:
    outage = database_outage(error)
    if outage is None:
        raise error
    log_outage(outage)
    response = problem(outage.status, outage.code, outage.detail)
    for header, value in outage.headers.items():
        response[header] = value
    return response


def _other_method() -> HttpResponse:
    response = problem(405, "method_not_allowed", "This address takes GET.")
    response["Allow"] = "GET, HEAD"
    return response


def _hide(request: HttpRequest, name: str | None) -> None:
    """Takes the token out of the request, so that nobody who logs or reports it finds the token
    there.

    `name`: of the connection, None when unknown.
    """
    hidden = "/promptflow/***" if name is None else f"/promptflow/***/connections/{name}"
    request.path = request.path_info = hidden
    request.META |= {
        key: hidden for key in ("PATH_INFO", "RAW_URI", "REQUEST_URI") if key in request.META
    }
    request.resolver_match = None


@endpoint
def the_connections(request: HttpRequest, token: str) -> HttpResponse:
    """Every usable connection of the token.

    What is left out stands in the header Switchboard-Left-Out: the body is the client's.
    """
    found = services.reveal_connections(token, address=address_of(request.META))
    response = JsonResponse(found.connections, safe=False)
    if found.left_out:
        left_out = [f"{alias} ({code})" for alias, code in found.left_out.items()]
        more = (
            [f"and {len(left_out) - MOST_LEFT_OUT} more"] if len(left_out) > MOST_LEFT_OUT else []
        )
        response["Switchboard-Left-Out"] = ", ".join(left_out[:MOST_LEFT_OUT] + more)
    return response


@endpoint
def one_connection(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """One connection by its alias or name."""
    return JsonResponse(
        services.reveal_connection(
            token, _spellings(request, name), address=address_of(request.META)
        )
    )


def _spellings(request: HttpRequest, name: str) -> list[str]:
    """The names that the client can have meant.

    The client puts it into the address as it is, so what follows a `?` is part of it too.
    """
    query: str = request.META.get("QUERY_STRING", "")
    names = [f"{name}?{unquote(query)}", name] if query else [name, f"{name}?"]
    return [*names, name[:-1]] if name.endswith("/") and name != "/" else names


@endpoint
def refuse(_request: HttpRequest, **_kwargs: Any) -> HttpResponse:
    """Refuses every other path under this address, which is neither looked up nor written down.

    Raises NotRevealed.
    """
    raise services.NotRevealed
