"""Forms that must not work twice, such as the one that makes a token: the page of the answer may be
loaded again, and the browser then sends the form again.
"""

import uuid

from django.http import HttpRequest

REMEMBERED = 20  # forms of a session
KEY = "sent_forms"
SENT_AGAIN = (
    "That token was made already, and its text is shown only once. If you do not have it, revoke "
    "the token and make another one."
)


def new_mark() -> str:
    """The mark of a new form, which it sends as `once`."""
    return uuid.uuid4().hex


def is_sent_again(request: HttpRequest) -> bool:
    """True if this form came before in this session. Remembers it; a form without a mark is new."""
    mark = request.POST.get("once", "")[:32]
    sent = request.session.get(KEY, [])
    if mark in sent:
        return True
    if mark:
        request.session[KEY] = [*sent, mark][-REMEMBERED:]
    return False
