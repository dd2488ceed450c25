"""Addresses of the gateway's pages."""

from django.urls import path

from .playground.views import PlaygroundView
from .usage.views import UsageExportView, UsageRecordView, UsageView

urlpatterns = [
    path("usage/", UsageView.as_view(), name="usage"),
    path("usage/export/", UsageExportView.as_view(), name="usage-export"),
    path("usage/<uuid:key>/", UsageRecordView.as_view(), name="usage-record"),
    path("profiles/<uuid:pk>/playground/", PlaygroundView.as_view(), name="playground"),
]
