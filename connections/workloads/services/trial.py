"""A token that somebody tries, to see whether it would be taken."""

from django.views.decorators.debug import sensitive_variables

from connections.audit.services import act, record
from connections.services import Actor, require

from .judging import Judgement, judge


@act("issuer.test")
@sensitive_variables("text")
def try_token(text: str, *, actor: Actor) -> Judgement:
    """Judges a token, of which nothing is stored. Raises PermissionDenied."""
    require(actor, "connections.view_trustedissuer")
    judged = judge(text)
    said = {"taken_by": judged.rule.name} if judged.rule else {"ends_at": judged.steps[-1].name}
    record(judged.issuer, actor=actor, detail=said)
    return judged
