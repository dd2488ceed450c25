"""Forms that must not work twice, such as the one that makes a token: the page of the answer may be
loaded again, and the browser then sends the form again.
"""

import uuid

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

REMEMBERED = 20  # forms of a session
KEY = "sent_forms"
SENT_AGAIN = gettext_lazy(
    "That token was made already, and its text is shown only once. If you do not have it, revoke "
    "the token and make another one."
)


def new_mark() -> str:
    """The mark of a new form, which it sends as `once`."""
    return uuid.uuid4().hex


def is_sent_again(request: HttpRequest) -> bool:
    """True if this form has worked before in this session. One without a mark is always new."""
    return _mark(request) in request.session.get(KEY, [])


def remember_sent(request: HttpRequest) -> None:
    """Notes that this form has worked; one that was refused may be sent again."""
    if mark := _mark(request):
        request.session[KEY] = [*request.session.get(KEY, []), mark][-REMEMBERED:]


def _mark(request: HttpRequest) -> str:
    return request.POST.get("once", "")[:32]
