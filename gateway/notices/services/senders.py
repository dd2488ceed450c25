"""Sends one message: as a signed webhook, or through Apprise. Neither follows a redirect, and each
takes some seconds at most.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import httpx2
from django.conf import settings
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connections import conf
from providers.core.errors import AnswerTooLarge, BlockedAddress, CompressedAnswer, RedirectRefused
from providers.core.version import user_agent
from providers.http.allowance import Allowance
from providers.http.egress import guarded_client

WEBHOOK_SECONDS = 10.0
APPRISE_SECONDS = 30.0
LARGEST_ANSWER = 64 * 1024  # bytes that a webhook's headers may take; its body is not read
PREFIX = "whsec_"  # github.com/standard-webhooks: spec/standard-webhooks.md
PROGRAM = "gateway.notices.apprise_program"


@dataclass(frozen=True)
class Message:
    """One message. `key`: the same at each try. `data`: what a webhook gets; `title` and `text`:
    what people read. `tone`: info, success, warning or failure.
    """

    key: str
    title: str
    text: str
    data: dict[str, Any]
    tone: str = "warning"


class NotSent(Exception):
    """A sentence without secrets: the message did not arrive."""


def new_secret() -> str:
    """A new key to sign webhooks with."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


@sensitive_variables()
def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """The signature of a webhook, as Standard Webhooks has it."""
    signed = f"{key}.{timestamp}.".encode() + body
    code = hmac.new(base64.b64decode(secret.removeprefix(PREFIX)), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(code.digest()).decode()}"


@sensitive_variables()
def send_webhook(url: str, secret: str, message: Message) -> None:
    """Posts a message as signed JSON. Raises NotSent."""
    body = json.dumps(message.data, ensure_ascii=False).encode()
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": user_agent(),
        "webhook-id": message.key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message.key, timestamp, body),
    }
    allowance = Allowance(WEBHOOK_SECONDS, LARGEST_ANSWER)
    try:
        with (
            guarded_client(conf.egress(), WEBHOOK_SECONDS, allowance=allowance) as client,
            client.stream(
                "POST", url, content=body, headers=headers, follow_redirects=False
            ) as answer,
        ):
            status = answer.status_code
    except BlockedAddress as refused:
        raise NotSent(str(refused)) from None
    except RedirectRefused:
        text = _("It redirects to another host. Enter the address it redirects to.")
        raise NotSent(text) from None
    except CompressedAnswer:
        return  # an answer came, which nobody reads
    except (httpx2.TimeoutException, TimeoutError):
        raise NotSent(_no_answer(WEBHOOK_SECONDS)) from None
    except AnswerTooLarge:
        raise NotSent(_("Its answer is too large.")) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        text = _("It cannot be reached (%(error)s).") % {"error": type(error).__name__}
        raise NotSent(text) from None
    if not 200 <= status < 300:
        text = _("It answered with status %(status)s.")
        if 300 <= status < 400:
            text = _("It answered with status %(status)s. Enter the address it redirects to.")
        raise NotSent(text % {"status": status})


def _no_answer(seconds: float) -> str:
    return _("It did not answer within %(number)s seconds.") % {"number": f"{seconds:g}"}


@sensitive_variables()
def send_by_apprise(url: str, message: Message | None) -> None:
    """Hands a message to Apprise, in a program of its own; None only judges the address. Raises
    NotSent.
    """
    policy = conf.egress()
    asked: dict[str, Any] = {"url": url, "allow": list(policy.allow), "private": policy.private}
    if message is not None:
        asked |= {"title": message.title, "body": message.text, "type": message.tone}
    kept = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")  # no proxy: its look-ups are unseen
    try:
        done = subprocess.run(  # noqa: S603 of our own
            [sys.executable, "-m", PROGRAM],
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=APPRISE_SECONDS,
            cwd=settings.BASE_DIR,
            env={name: os.environ[name] for name in kept if name in os.environ},
            check=False,
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise NotSent(_no_answer(APPRISE_SECONDS)) from None
    except (OSError, ValueError):
        raise NotSent(_("Apprise ended without an answer. Is it installed?")) from None
    if not answer["ok"]:
        raise NotSent(answer["error"])
