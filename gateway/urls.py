"""Addresses of the gateway's pages."""

from django.urls import path

from .views import playground, usage

urlpatterns = [
    path("usage/", usage.UsageView.as_view(), name="usage"),
    path("usage/export/", usage.UsageExportView.as_view(), name="usage-export"),
    path("profiles/<uuid:pk>/playground/", playground.PlaygroundView.as_view(), name="playground"),
]
