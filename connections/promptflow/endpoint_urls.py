"""Addresses under /promptflow/.

Each is answered with and without a slash at its end; a name may hold slashes.
"""

from django.urls import path

from .endpoint import one_connection, refuse, the_connections

urlpatterns = [
    path("<str:token>/connections", the_connections, name="reveal-list"),
    path("<str:token>/connections/", the_connections),
    path("<str:token>/connections/<path:name>", one_connection, name="reveal-one"),
    path("", refuse),
    path("<path:rest>", refuse),
]
