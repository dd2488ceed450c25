"""Addresses of the schedule in the API, under the same prefixes as connections.api.urls."""

from django.urls import path

from . import openapi, views  # noqa: F401 openapi registers itself

urlpatterns = [path("schedule", views.Schedule.as_view())]
