"""The ASGI application: `gunicorn backoffice.asgi:application -k asgi`.

The gateway stands in front of Django.
"""

import os

import django
from django.core.asgi import get_asgi_application

from .environment import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
with stopping():
    django.setup()
    from .catalogues import load_catalogues
    from .static_files import collect_static_files

    collect_static_files()
    load_catalogues()
    pages = get_asgi_application()

from connections.schedule.services import Scheduler
from connections.telemetry import exporting
from gateway.doors.asgi import GatewayApplication
from gateway.routing.warming import load_code

from .alive import ProbesFirst
from .head_answers import HeadAnswers
from .schema import load_own_migrations
from .schema_gate import FittingSchema, SchemaGate
from .sign_in_gate import SignInGate
from .telemetry.endpoint import MetricsFirst
from .telemetry.hang_ups import NotingHangUps
from .traced import Traced
from .uploads import BoundedBodies

schema = FittingSchema(Scheduler())
served = GatewayApplication(SignInGate(BoundedBodies(NotingHangUps(HeadAnswers(pages)))), schema)
whole = ProbesFirst(MetricsFirst(SchemaGate(served, schema)))
application = Traced(whole) if exporting.is_wanted() else whole
load_code()
load_own_migrations()
