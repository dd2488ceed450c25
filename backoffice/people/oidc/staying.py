"""How long somebody who came by a provider may stay: the provider is asked every few minutes, by
the refresh token of the sign-in. Where it refuses the last one, the person's access ends.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session
from django.db import connections as databases
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import act, coming_from, origin, record
from connections.credentials import key_ids
from connections.locks import retried
from connections.models import ApiToken, EndedBecause, RevealToken, works_now
from connections.services import resume_tokens_of

from ...identity_providers import IdentityProvider
from ..access import end_access
from ..models import ProviderSession
from ..signin.providers import configured
from ..signin.sessions import end_session
from . import grants
from .claims import identity_of
from .id_tokens import Unacceptable, read_id_token
from .services import Refused, apply_groups
from .wire import GrantRefused, ProviderAway

ASK_EVERY, RUN_EVERY = timedelta(seconds=150), timedelta(seconds=30)
RUN_SECONDS, AT_ONCE = 15.0, 8  # of one run, and requests at a time
# what a provider says of a person; all else it says of us: RFC 6749, section 5.2, and OpenID
# Connect Core 1.0, section 3.1.2.6
OF_PERSON = {
    *("invalid_grant", "access_denied", "login_required", "interaction_required"),
    *("consent_required", "account_selection_required"),
}

logger = logging.getLogger("backoffice.people.signin")


@retried
@sensitive_variables()
def begin(account: SocialAccount, session_key: str, sid: str, kept: dict[str, str]) -> str:
    """Notes a sign-in by a provider, and lets tokens work again that the provider had stopped.
    `kept`: the refresh token and the id token, as far as there are any. Returns the id of the row.
    """
    with transaction.atomic():
        row = ProviderSession.objects.create(
            account=account,
            session_key=session_key,
            sid=sid,
            credentials=kept or None,
            credentials_key=key_ids()[0] if kept else None,
            asked_at=timezone.now() if kept.get("refresh") else None,
        )
        _resume(account)
    return str(row.pk)


@act("access.resume")
def _resume(account: SocialAccount) -> None:
    if number := resume_tokens_of(account.user_id):
        label = _label_of(account)
        record(account.user, actor=label, changes=[("tokens", "0", str(number))])


def _label_of(account: SocialAccount) -> str:
    known = configured().get(account.provider)
    return known.label if known else account.provider


@act("session.end")
def end(rows: Sequence[ProviderSession]) -> int:
    """Ends the sessions of these sign-ins, as the provider says that they are over there; those
    with a refresh token are asked about at the next run. Returns how many.
    """
    with transaction.atomic():
        for row in rows:
            end_session(row.session_key)
            if row.asked_at is None:
                row.delete()
            else:
                ProviderSession.objects.filter(pk=row.pk).update(session_key="")
        ProviderSession.objects.filter(account__in=[row.account_id for row in rows]).update(
            asked_at=F("asked_at") - ASK_EVERY
        )
        if rows:
            people = [*{row.account.user_id: row.account.user for row in rows}.values()]
            told = {"because": "signed out there", "number": len(rows)}
            by = _label_of(rows[0].account)
            record(people[0], actor=by, others=people[1:], detail=told)
    return len(rows)


def sign_out(pk: Any) -> tuple[IdentityProvider | None, str]:
    """Ends a sign-in at the wish of its person. Returns its provider and the id token, by which the
    provider is told. Its refresh token is kept while the person's tokens need it.
    """
    row = ProviderSession.objects.filter(pk=pk).select_related("account").first()
    if row is None:
        return None, ""
    provider = configured().get(row.account.provider)
    told = str((row.credentials or {}).get("id", ""))
    if row.asked_at is None:
        row.delete()
    else:
        ProviderSession.objects.filter(pk=row.pk).update(session_key="")
    return provider, told


def ask_due() -> str:
    """Asks providers about everybody whose turn it is. One that does not answer is left alone until
    the next run: while it is away nobody is sent away. Says what was done.
    """
    forgotten = _forget_unneeded()
    due = timezone.now() - ASK_EVERY
    rows = ProviderSession.objects.filter(asked_at__lte=due, account__provider__in=configured())
    found = list(rows.select_related("account__user").order_by("asked_at", "pk"))
    until, away, ended = time.monotonic() + RUN_SECONDS, set[str](), list[str]()

    def ask(row: ProviderSession) -> None:
        provider = configured()[row.account.provider]
        if provider.key in away or time.monotonic() > until or not _claimed(row):
            return
        try:
            if not _may_stay(provider, row):
                ended.append(provider.key)
        except ProviderAway as trouble:
            ProviderSession.objects.filter(pk=row.pk).update(asked_at=row.asked_at)
            if provider.key not in away:
                logger.warning("%s was not asked who may stay: %s", provider.label, trouble)
            away.add(provider.key)

    if len(found) == 1:
        ask(found[0])
    elif found:
        where = origin()

        def asking(row: ProviderSession) -> None:
            with coming_from(where):
                ask(row)

        with ThreadPoolExecutor(AT_ONCE, "ask-providers") as threads:
            list(threads.map(_closing(asking), found))
    return f"Sign-ins: {len(found)} asked about, {len(ended)} ended, {forgotten} forgotten."


def _closing(act: Callable[[ProviderSession], None]) -> Callable[[ProviderSession], None]:
    """The act, after which its thread gives its database connection back."""

    def acting(row: ProviderSession) -> None:
        try:
            act(row)
        finally:
            databases.close_all()

    return acting


def _claimed(row: ProviderSession) -> bool:
    """True if nobody else asks about this sign-in now: a refresh token may be used once only, and
    some providers take a second use for a theft.
    """
    mine = ProviderSession.objects.filter(pk=row.pk, asked_at=row.asked_at)
    return bool(mine.update(asked_at=timezone.now()))


@sensitive_variables()
def _may_stay(provider: IdentityProvider, row: ProviderSession) -> bool:
    """Asks the provider about one sign-in, and does what follows. False if it is over. Raises
    ProviderAway.
    """
    kept = dict(row.credentials or {})
    if not kept.get("refresh"):  # no key opens it
        _refused(provider, row, "its refresh token cannot be decrypted")
        return False
    try:
        answer = grants.refresh(provider, str(kept["refresh"]))
    except GrantRefused as refusal:
        if refusal.code not in OF_PERSON:
            raise ProviderAway(f"it refuses this client, {refusal.code[:40]!r}") from None
        _refused(provider, row, "refused by the provider")
        return False
    given = {"refresh": answer.get("refresh_token"), "id": answer.get("id_token")}
    kept |= {name: text for name, text in given.items() if isinstance(text, str) and text}
    columns = {"credentials": kept, "credentials_key": key_ids()[0]}
    ProviderSession.objects.filter(pk=row.pk).update(**columns)
    return _same_groups(provider, row, given["id"])


@sensitive_variables()
def _same_groups(provider: IdentityProvider, row: ProviderSession, id_token: Any) -> bool:
    """Gives the role that the groups in a new id token stand for. False if there is none."""
    if not isinstance(id_token, str):
        return True
    try:
        identity = identity_of(provider, read_id_token(provider, id_token, None))
        if identity is None or identity.subject != row.account.uid:
            raise Unacceptable("an id token of somebody else")
        if identity.groups is not None:
            apply_groups(provider, row.account, identity.groups)
    except Unacceptable as fault:
        logger.warning("An id token of %s was not taken: %s", provider.label, fault)
    except Refused as refused:
        _refused(provider, row, f"refused, {refused.code}")
        return False
    return True


@act("session.end")
def _refused(provider: IdentityProvider, row: ProviderSession, why: str) -> None:
    """Ends a sign-in. With the last one that can be asked about, all access of the person ends
    until they sign in again.
    """
    person = row.account.user
    with transaction.atomic():
        end_session(row.session_key)
        row.delete()
        others = ProviderSession.objects.filter(account__user=person, asked_at__isnull=False)
        if others.exists():
            others.update(asked_at=F("asked_at") - ASK_EVERY)
        else:
            end_access(person.pk, EndedBecause.PROVIDER)
            ProviderSession.objects.filter(account__user=person).delete()
        record(person, actor=provider.label, detail={"because": why})
    logger.warning("Sign-in: ended by %s, %s; account=%r", provider.label, why, str(person))


def _forget_unneeded() -> int:
    """Deletes the rows of sessions that are over. The newest refresh token of a person is kept
    while they have tokens or another session that it answers for. Returns how many.
    """
    living = Session.objects.filter(expire_date__gt=timezone.now())
    over = ProviderSession.objects.exclude(session_key__in=living.values("session_key"))
    number = 0
    for row in over.select_related("account").order_by("date_created"):
        mine = ProviderSession.objects.filter(account=row.account).exclude(pk=row.pk)
        is_asked_by_another = mine.filter(asked_at__isnull=False).exists()
        user_id = row.account.user_id
        is_needed = mine.exists() or any(
            kind.objects.filter(works_now(), user_id=user_id).exists()
            for kind in (ApiToken, RevealToken)
        )
        if row.asked_at is None or is_asked_by_another or not is_needed:
            number += row.delete()[0]
    return number
