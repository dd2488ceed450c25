"""Whether a person has proved lately who they are: what is dangerous asks for it."""

import time

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

from .sessions import SIGNED_IN


def is_fresh(request: HttpRequest) -> bool:
    """True if the person of the request signed in, or proved it again, within
    SIGN_IN_CONFIRM_MINUTES.
    """
    records = get_authentication_records(request, request.user)
    proved = [one["at"] for one in records if one.get("reauthenticated")]
    newest = max([request.session.get(SIGNED_IN, 0.0), *proved])
    return bool(time.time() - newest < settings.SIGN_IN_CONFIRM_MINUTES * 60)
