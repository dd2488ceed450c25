"""The words of a fault about tokens."""

from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connections import services
from connections.models import ApiToken, Connection, IssuerRule, RevealToken, Team
from connections.section_teams import Resolve

from .cures import open_tokens
from .kinds import Fault, Told


def of_token(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    """The end of one token."""
    one, is_over = fault.subject, fault.subject.expires_at <= timezone.now()
    if isinstance(one, RevealToken):
        ends = _("The token of flows of %(user)s ends at %(time)s UTC.")
        ended = _("The token of flows of %(user)s ended at %(time)s UTC.")
    else:
        ends = _("The token of %(user)s ends at %(time)s UTC.")
        ended = _("The token of %(user)s ended at %(time)s UTC.")
    words = {"user": one.user, "time": f"{one.expires_at:%Y-%m-%d %H:%M}"}
    cure = _("Give its program another one.")
    if isinstance(one, ApiToken) and one.successors.all():
        cure = _("It was renewed, and is still used: give its program the new one.")
    cause = f"{(ended if is_over else ends) % words} {cure}"
    label = _("Token ended") if is_over else _("Token ends")
    return Told(str(one), open_tokens(one).address, cause, label)


def of_old_tokens(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    """All tokens that never end, or all that nobody uses."""
    number, address = int(fault.was.rpartition(" ")[2]), open_tokens(fault.subject).address
    if fault.kind == "endless":
        title = ngettext("%(number)s token never ends", "%(number)s tokens never end", number)
        days = services.longest_life()
        cause = ngettext(
            "New tokens end after %(days)s day at the latest. Renew those that are needed, and "
            "revoke the others.",
            "New tokens end after %(days)s days at the latest. Renew those that are needed, and "
            "revoke the others.",
            days,
        )
        return Told(title % {"number": number}, address, cause % {"days": days})
    title = ngettext("%(number)s unused token", "%(number)s unused tokens", number)
    words = {"days": settings.CONNECTIONS_TOKEN_UNUSED_DAYS}
    cause = ngettext(
        "Nobody has used it for %(days)s day. Revoke what nobody needs.",
        "Nobody has used it for %(days)s days. Revoke what nobody needs.",
        words["days"],
    )
    if end := settings.CONNECTIONS_TOKEN_UNUSED_END:
        cause = _(
            "Nobody has used it for %(days)s days. After %(end)s days a token is revoked by "
            "itself. Revoke before what nobody needs."
        )
        words["end"] = end
    return Told(title % {"number": number}, address, cause % words)


def of_limit(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    """A token, a rule of a trusted issuer or a team that has used up its day."""
    one, title = fault.subject, str(fault.subject)
    words = {"number": one.tokens_per_day}
    if isinstance(one, Team):
        title = _("Team %(name)s") % {"name": one.name}
        cause = _(
            "The tokens of this team have used the %(number)s that all of them together may use a "
            "day. They are refused until midnight UTC, or until the team's limit is raised."
        )
    elif isinstance(one, IssuerRule):
        title = _("Rule %(name)s of %(issuer)s") % {"name": one.name, "issuer": one.issuer}
        cause = _(
            "Callers by this rule have used all tokens that it may use a day (%(number)s). They "
            "are refused until midnight UTC, or until the rule's limit is raised."
        )
    else:
        words["user"] = one.user
        cause = _(
            "The token of %(user)s has used all that it may use a day (%(number)s). It is refused "
            "until midnight UTC; raise its limit by making another token."
        )
    return Told(title, open_tokens(one).address, cause % words)
