"""Addresses of replacements in the API, under the same prefixes as connections.api.urls."""

from django.urls import path

from . import leaks, openapi, views  # noqa: F401 openapi registers itself

urlpatterns = [
    path("leaked-keys/search", leaks.LeakedKeySearch.as_view()),
    path("connections/<str:id_or_alias>/leak", leaks.ConnectionLeak.as_view()),
    path("connections/<str:id_or_alias>/replacement", views.Replacement.as_view()),
    path("connections/<str:id_or_alias>/replacement/go-back", views.ReplacementGoBack.as_view()),
]
