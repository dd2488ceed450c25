"""Addresses of the pages of connection types, and of those on which a connection is allowed."""

from django.urls import path

from .views import authorization, documents

urlpatterns = [
    path("types/", documents.TypeListView.as_view(), name="type-list"),
    path("types/install/", documents.TypeInstallView.as_view(), name="type-install"),
    path("types/<str:key>/", documents.TypeDetailView.as_view(), name="type-detail"),
    path("types/<str:key>/remove/", documents.TypeRemoveView.as_view(), name="type-remove"),
    path(
        "connections/<uuid:pk>/allow/",
        authorization.AllowView.as_view(),
        name="connection-allow",
    ),
    path("connections/allowed/", authorization.AllowedView.as_view(), name="connection-allowed"),
]
