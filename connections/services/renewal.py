"""OAuth2 tokens that are in use, fetched anew before they end, so that no call waits for it."""

import logging
from datetime import timedelta

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from providers.core.errors import ProviderError
from providers.core.values import CHECK_LIMITS
from providers.http.service import HttpService

from ..errors import Unusable
from ..models import AccessToken, Connection, ConnectionTraffic
from ..runtime import get_configured_provider

AHEAD = timedelta(seconds=75)  # of the time until which a token is handed out
IN_USE = timedelta(hours=1)  # since a call that was answered

logger = logging.getLogger(__name__)


@sensitive_variables("provider")
def renew_tokens() -> tuple[int, int]:
    """Renews the tokens of active connections that the gateway called lately, and says how many
    were renewed and how many could not be. One that could not goes on until it ends, and is noted.
    """
    now = timezone.now()
    ending = AccessToken.objects.filter(
        expires_at__gt=now, expires_at__lt=now + AHEAD, credentials__isnull=False
    )
    used = ConnectionTraffic.objects.filter(answered_at__gt=now - IN_USE)
    rows = Connection.objects.filter(is_active=True, pk__in=ending.values("pk")).filter(
        pk__in=used.values("connection_id")
    )
    renewed = failed = 0
    for row in rows:
        try:
            provider = get_configured_provider(row, limits=CHECK_LIMITS)
            if isinstance(provider, HttpService):
                provider.renew_tokens()
                renewed += 1
        except (ProviderError, Unusable) as error:
            failed += 1
            token = AccessToken.objects.filter(pk=row.pk, failed_at=None)
            token.update(failed_at=timezone.now(), failure=error.code[:50])
            logger.warning("The token of connection %s was not renewed: %s", row.pk, error.code)
    return renewed, failed
