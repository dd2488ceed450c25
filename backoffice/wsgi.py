"""The WSGI application, for servers that speak nothing else. It is sized by threads; asgi.py is the
default.
"""

import os

import django
from django.core.wsgi import get_wsgi_application

from .environment import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
with stopping():
    django.setup()
    from .catalogues import load_catalogues
    from .static_files import collect_static_files

    collect_static_files()
    load_catalogues()
    application = get_wsgi_application()
