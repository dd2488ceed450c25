"""The ASGI application: `gunicorn backoffice.asgi:application -k asgi`.

The gateway stands in front of Django.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
django = get_asgi_application()

from gateway.doors.asgi import GatewayApplication  # noqa: E402 models can be imported only now
from gateway.routing.warming import load_code  # noqa: E402

from .uploads import BoundedBodies  # noqa: E402

application = GatewayApplication(BoundedBodies(django))
load_code()
