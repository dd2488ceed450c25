"""The networks from which a token may be used, as people write them."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from ..client_ip import clean_network
from ..errors import FieldError

MOST_NETWORKS = 50


def clean_networks(given: Sequence[str]) -> tuple[list[str], list[FieldError]]:
    """The networks in their usual form, and what is wrong with them."""
    cleaned, wrong = [], []
    for text in given:
        try:
            cleaned.append(clean_network(text))
        except ValueError:
            wrong.append(text.strip()[:50])
    errors = []
    if wrong:
        text = _(
            "Not a network: %(given)s. Write it like 10.0.0.0/8, 192.0.2.17 or 2001:db8::/32, "
            "without further bits."
        ) % {"given": ", ".join(wrong[:5])}
        errors.append(FieldError("networks", "invalid", text))
    if len(given) > MOST_NETWORKS:
        text = _("At most %(most)d networks.") % {"most": MOST_NETWORKS}
        errors.append(FieldError("networks", "invalid", text))
    return list(dict.fromkeys(cleaned)), errors
