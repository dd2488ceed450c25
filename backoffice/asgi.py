"""The ASGI application: `gunicorn backoffice.asgi:application -k asgi`.

The gateway stands in front of Django.
"""

import os

from django.core.asgi import get_asgi_application

from .environment import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
with stopping():
    django = get_asgi_application()

from connections.schedule.services import Scheduler
from gateway.doors.asgi import GatewayApplication
from gateway.routing.warming import load_code

from .uploads import BoundedBodies

application = GatewayApplication(BoundedBodies(django), Scheduler())
load_code()
