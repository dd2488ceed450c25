"""The end of a replacement: of its watch, and of the key that the connection does not use."""

from django.db import transaction
from django.utils import timezone

from connections.audit.services import act, record
from connections.change_counter import bump_change_counter
from connections.locks import retried
from connections.models import KeyReplacement
from connections.services import Actor, require

from .clock import kept_time, put_end
from .purge import forget

State = KeyReplacement.State
CHANGE = "connections.change_connection"


@retried
@act("replacement.end")
def end_watch(replacement: KeyReplacement, said: str) -> bool:
    """Ends a watch; the previous key stays until its time. False when it has ended already."""
    put_end(replacement, kept_time())
    ended = KeyReplacement.objects.filter(pk=replacement.pk, state=State.WATCHING)
    with transaction.atomic():
        if not ended.update(
            state=State.DONE,
            said=said,
            date_ended=timezone.now(),
            due=replacement.due,
            until=replacement.until,
        ):
            return False
        record(replacement, actor=None)
        bump_change_counter()
    return True


@act("replacement.end")
def forget_other(replacement: KeyReplacement, *, actor: Actor) -> None:
    """Gives an open replacement up, or ends the watch; in any case the key that the connection does
    not use is forgotten, and taken out of its history. Raises PermissionDenied.
    """
    require(actor, CHANGE, on=replacement.connection)
    forget(replacement, actor)
