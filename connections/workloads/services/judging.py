"""Judging the token of an issuer, step by step: what is cheap comes first, a signature is looked at
when all else fits, and keys are fetched for such tokens alone (RFC 8725; RFC 9068, section 4).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import jwt
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.models import IssuerRule, TrustedIssuer

from . import keys
from .conditions import ConditionVerdict, verdict
from .reading import Reading, Refused, read

SKEW = 120.0  # seconds by which clocks may differ
UNAVAILABLE = "issuer_unavailable"
STEPS = {
    "form": gettext_noop("Form"),
    "issuer": gettext_noop("Issuer"),
    "algorithm": gettext_noop("Algorithm"),
    "audience": gettext_noop("Audience"),
    "times": gettext_noop("Times"),
    "signature": gettext_noop("Signature"),
    "rules": gettext_noop("Rules"),
}


@dataclass(frozen=True)
class Step:
    """One check of a token. `name`: a key of STEPS."""

    name: str
    is_good: bool
    said: str

    @property
    def title(self) -> str:
        """Its name for people."""
        return _(STEPS[self.name])


@dataclass(frozen=True)
class RuleVerdict:
    """One rule on a token: each of its conditions, and why it does not count all the same."""

    rule: IssuerRule
    conditions: tuple[ConditionVerdict, ...]
    refusal: str = ""

    @property
    def fits(self) -> bool:
        """True if the token is taken by it."""
        return not self.refusal and all(one.is_met for one in self.conditions)


@dataclass
class Judgement:
    """What became of a token. It does not hold the token.

    `rule`: the one that it is taken by. `refusal`: why it is not. `wants_keys`: the issuer's keys
    have to be fetched to know. `ends_at`: until when it counts.
    """

    issuer: TrustedIssuer | None = None
    rule: IssuerRule | None = None
    refusal: Refused | None = None
    wants_keys: bool = False
    ends_at: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    rules: list[RuleVerdict] = field(default_factory=list)


@sensitive_variables("text")
def judge(text: str, *, may_fetch: bool = True) -> Judgement:
    """Judges a token. `may_fetch`: asks its issuer for keys where that is due and would decide.

    What is told is in the language of now. Raises nothing of the token or the network.
    """
    found = _looked_at(text)
    if found.wants_keys and may_fetch and found.issuer is not None:
        keys.refresh_keys(found.issuer.pk)
        found = _looked_at(text)
    return found


@sensitive_variables("text")
def _looked_at(text: str) -> Judgement:
    found = Judgement()
    try:
        reading = read(text)
        found.steps.append(Step("form", True, _("It can be read.")))
        for step, said in _checked(text, reading, found):
            found.steps.append(Step(step, True, said))
    except Refused as refused:
        found.refusal = refused
        found.steps.append(Step(refused.step, False, refused.message))
    return found


def _checked(text: str, reading: Reading, found: Judgement) -> Iterator[tuple[str, str]]:
    """The checks that a token passes, in their order. Raises Refused for the first that it does
    not.
    """
    issuer = found.issuer = TrustedIssuer.objects.filter(issuer=reading.issuer).first()
    if issuer is None or not issuer.is_active:
        said = _("No issuer is trusted that is called %(issuer)s.")
        if issuer is not None:
            said = _("The issuer %(issuer)s is switched off.")
        raise Refused("issuer", said % {"issuer": reading.issuer[:200]})
    yield "issuer", _("It is of %(name)s.") % {"name": issuer.name}
    if reading.algorithm not in issuer.algorithms:
        text_ = _("%(algorithm)s is not among those of this issuer: %(known)s.")
        values = {"algorithm": reading.algorithm, "known": ", ".join(issuer.algorithms)}
        raise Refused("algorithm", text_ % values)
    yield "algorithm", _("It is signed by %(name)s.") % {"name": reading.algorithm}
    ours = [one for one in issuer.audiences if one in reading.audiences]
    if not ours:
        given = ", ".join(sorted(reading.audiences))[:200]
        raise Refused("audience", _("It is for %(given)s, not for us.") % {"given": given})
    yield "audience", _("It is for %(given)s.") % {"given": ours[0]}
    found.ends_at = _end_of(reading, issuer)
    yield "times", _("It counts until %(end)s.") % {"end": f"{found.ends_at:%Y-%m-%d %H:%M:%S} UTC"}
    _require_signature(text, reading, found, issuer)
    yield "signature", _("A key of the issuer has signed it.")
    found.rule = _rule_for(reading, found, issuer)
    yield "rules", _("The rule %(name)s fits.") % {"name": found.rule.name}


def _end_of(reading: Reading, issuer: TrustedIssuer) -> datetime:
    """Until when the token counts. Raises Refused if it does not now."""
    now = timezone.now().timestamp()
    if reading.expires_at <= now - SKEW:
        raise Refused("times", _("It has expired (exp)."))
    if reading.issued_at >= now + SKEW:
        raise Refused("times", _("It says that it is issued in the future (iat)."))
    if reading.not_before is not None and reading.not_before >= now + SKEW:
        raise Refused("times", _("It does not count yet (nbf)."))
    oldest = reading.issued_at + issuer.longest_age * 60
    if oldest <= now - SKEW:
        said = _("It is older than %(minutes)d minutes, the longest age of this issuer's (iat).")
        raise Refused("times", said % {"minutes": issuer.longest_age})
    return datetime.fromtimestamp(min(reading.expires_at, oldest) + SKEW, UTC)


def _require_signature(
    text: str, reading: Reading, found: Judgement, issuer: TrustedIssuer
) -> None:
    """Raises Refused unless a key of the issuer has signed the token."""
    fetched = issuer.keys_fetched_at
    is_known = fetched is not None and fetched > timezone.now() - keys.kept_for()
    key = keys.key_of(issuer, reading.algorithm, reading.key_id) if is_known else None
    if key is None:
        found.wants_keys = keys.is_due(issuer)
        if not is_known or keys.is_running(issuer):
            raise Refused("signature", _unavailable(issuer), UNAVAILABLE)
        raise Refused("signature", _("It is signed with a key that its issuer does not publish."))
    try:
        jwt.PyJWS([reading.algorithm]).decode(text, key, [reading.algorithm])
    except jwt.PyJWTError:
        raise Refused("signature", _("Its signature is not of its issuer's key.")) from None


def _unavailable(issuer: TrustedIssuer) -> str:
    if keys.is_running(issuer) or not issuer.keys_error:
        return _("The keys of its issuer are being fetched. Try again in some seconds.")
    text = _("The keys of its issuer cannot be fetched, and none are kept: %(error)s")
    return text % {"error": issuer.keys_error}


def _rule_for(reading: Reading, found: Judgement, issuer: TrustedIssuer) -> IssuerRule:
    """The first rule that fits. Raises Refused if none does."""
    rows = issuer.rules.select_related("account__user", "issuer").order_by("position", "name")
    for rule in rows:
        said = [verdict(reading.claims, name, text) for name, text in rule.conditions.items()]
        found.rules.append(RuleVerdict(rule, tuple(said), _switched_off(rule)))
    fitting = next((one.rule for one in found.rules if one.fits), None)
    if fitting is None:
        text = _("No rule of this issuer fits its claims.")
        if not found.rules:
            text = _("This issuer has no rule.")
        raise Refused("rules", text)
    return fitting


def _switched_off(rule: IssuerRule) -> str:
    if not rule.is_active:
        return _("It is switched off.")
    if not rule.user.is_active:
        return _("%(account)s is deactivated.") % {"account": rule.account}
    return ""
