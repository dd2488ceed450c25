"""One check of a provider: whether it passes, and what it learns of ends. Nothing of the latter
fails a check.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from providers.core.base import CheckResult as Passed
from providers.core.base import Provider
from providers.core.ends import KeyEnd, end_in_keys, first_of
from providers.core.errors import ProviderError
from providers.http.certificates import first_end, noting_certificates

from ..outlooks import Learned

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckResult:
    """The result of a check.

    `code` is "ok", a ProviderError code, or one of Unusable; `message` names cause and cure.
    `learned`: of the ends of its key, certificates and models; None where nobody was asked.
    `asked_at`: when it began, None where that is not known.
    """

    success: bool
    code: str
    message: str
    asked: str = ""
    latency_ms: int | None = None
    model_count: int | None = None
    learned: Learned | None = None
    asked_at: datetime | None = None


@sensitive_variables("provider")
def run_check(provider: Provider[Any]) -> CheckResult:
    """One check, never more than its deadline, never an exception that is not the provider's own
    fault.
    """
    with suppress(
        Exception
        # the first use imports the SDK, seconds that are not the service's; check() says what is
        # wrong with it
    ):
        _ = provider.client
    started, asked_at = time.monotonic(), timezone.now()
    with noting_certificates() as seen:
        try:
            result = provider.check()
        except ProviderError as error:
            learned = learn(provider, seen)
            took = _milliseconds(started)
            return CheckResult(
                False, error.code, error.message, provider.asks, took, learned=learned
            )
        took = _milliseconds(started)
        learned = learn(provider, seen, result)
    models = (
        ""
        if result.model_count is None
        else f" {result.model_count} model{'' if result.model_count == 1 else 's'}."
    )
    return CheckResult(
        True,
        "ok",
        f"{result.verdict or 'It works.'}{models}",
        result.asked,
        took,
        result.model_count,
        learned,
        asked_at,
    )


def _milliseconds(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


@sensitive_variables("provider", "own")
def learn(
    provider: Provider[Any], seen: Mapping[str, datetime], passed: Passed | None = None
) -> Learned:
    """What is known now of the ends of its key, its certificates and its models.

    `seen`: the certificates of the hosts that the check asked; `passed`: its result, None where it
    failed.
    """
    try:
        own = {name: first_end(pem) for name, pem in provider.own_certificates.items()}
    except ProviderError:  # settings that do not fit, which the check says
        own = {}
    return Learned(
        passed is not None,
        _key_end(provider, passed),
        dict(seen),
        {name: end for name, end in own.items() if end},
        passed.models if passed else (),
    )


def _key_end(provider: Provider[Any], passed: Passed | None) -> KeyEnd | None:
    """What comes first: the end that the service or the key tells, or that of its store."""
    return first_of([_told_end(provider, passed), provider.kept_end])


def _told_end(provider: Provider[Any], passed: Passed | None) -> KeyEnd | None:
    if passed is None:
        return end_in_keys(provider.settings)
    if passed.key_end and passed.key_end.at:
        return passed.key_end
    try:
        return provider.key_end()
    except ProviderError as error:
        logger.info("%s did not say when the key ends: %s", provider.id, error.code)
        return None
