"""Addresses of packages in the API, under the same prefixes as connections.api.urls."""

from django.urls import path

from . import openapi, problems, views  # noqa: F401 openapi and problems register themselves

urlpatterns = [
    path("packages/export", views.PackageExport.as_view()),
    path("packages/import", views.PackageImport.as_view()),
]
