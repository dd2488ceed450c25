"""The callers whose tokens are of trusted issuers, for the API and the gateway."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.core.cache import cache
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import override
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Outcome, record
from connections.models import IssuerRule
from connections.services import Caller, caller_of, profiles_limit

from .judging import UNAVAILABLE, Judgement, judge
from .keys import is_running

SOON, LATER = 1.0, 30.0  # seconds after which another try is worth it
USED_EVERY = TOLD_EVERY = 60  # seconds between two notes of "last used", and two lines of the log

logger = logging.getLogger(__name__)


class TokenRefused(Exception):
    """The token of an issuer is not taken. `retry_after`: the seconds after which it may be, None
    where it will not. `wants_keys_of`: the issuer whose keys have to be fetched to know.
    """

    def __init__(self, judged: Judgement) -> None:
        said = judged.refusal.message if judged.refusal else ""
        self.message = f"This token is not taken. {said}".strip()
        super().__init__(self.message)
        is_temporary = judged.refusal is not None and judged.refusal.code == UNAVAILABLE
        issuer = judged.issuer
        self.retry_after: float | None = None
        if is_temporary and issuer is not None:
            self.retry_after = SOON if is_running(issuer) else LATER
        self.wants_keys_of = issuer.pk if judged.wants_keys and issuer is not None else None


@override("en")
@sensitive_variables("text")
def find_rule(text: str, *, may_fetch: bool = True) -> tuple[IssuerRule, Any]:
    """The rule by which this token is taken, and the moment until when. Raises TokenRefused."""
    judged = judge(text, may_fetch=may_fetch)
    if judged.rule is None:
        _tell(judged)
        raise TokenRefused(judged)
    rule = judged.rule
    if cache.add(f"rule-used:{rule.pk}", 1, USED_EVERY):
        # a full disk is no reason to refuse
        with suppress(OperationalError), transaction.atomic():
            IssuerRule.objects.filter(pk=rule.pk).update(last_used_at=timezone.now())
    return rule, judged.ends_at


@sensitive_variables("text")
def find_workload(text: str) -> Caller:
    """The caller whose token this is, with the rule in the place of a token of ours: its id, its
    name and its limits. Asks no issuer. Raises TokenRefused.
    """
    rule, ends_at = find_rule(text, may_fetch=False)
    limits: dict[str, Any] = profiles_limit(rule) if rule.is_limited else {}
    return replace(
        caller_of(rule.user),
        token_id=rule.pk,
        token_name=rule.name,
        prefix=rule.prefix,
        scopes=frozenset(rule.scopes),
        requests_per_minute=rule.requests_per_minute,
        tokens_per_day=rule.tokens_per_day,
        expires_at=ends_at,
        **limits,
    )


def _tell(judged: Judgement) -> None:
    """One event and one line of the log a minute for each issuer and reason: those who may be asked
    about it find it, and nobody fills the database by guessing.
    """
    refusal, issuer = judged.refusal, judged.issuer
    if refusal is None or judged.wants_keys:
        return
    of = issuer.pk if issuer else "unknown"
    if not cache.add(f"issuer-refused:{of}:{refusal.step}", 1, TOLD_EVERY):
        return
    if issuer is not None:
        logger.warning("A token of the issuer %s was refused: %s", issuer.name, refusal.message)
    code = refusal.code if refusal.code == UNAVAILABLE else refusal.step
    with suppress(OperationalError), transaction.atomic():
        record(issuer, actor=None, action="issuer.sign_in", outcome=Outcome.REFUSED, code=code)
