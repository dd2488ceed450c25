"""Addresses of the pages of replacements."""

from django.urls import path

from . import views

urlpatterns = [
    path("connections/find-key/", views.FindKeyView.as_view(), name="find-key"),
    path(
        "connections/<uuid:pk>/replace-key/",
        views.ReplaceKeyView.as_view(),
        name="connection-replace-key",
    ),
    path("connections/<uuid:pk>/leaked/", views.LeakedView.as_view(), name="connection-leaked"),
]
