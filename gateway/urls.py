"""Addresses of the gateway's pages."""

from django.urls import path

from .attention.views import AttentionView, SnoozeView, WakeView
from .playground.views import CallView, PlaygroundView
from .usage.views import UsageExportView, UsageRecordView, UsageView

urlpatterns = [
    path("attention/", AttentionView.as_view(), name="attention"),
    path("attention/snooze/", SnoozeView.as_view(), name="attention-snooze"),
    path("attention/snoozes/<uuid:pk>/wake/", WakeView.as_view(), name="attention-wake"),
    path("usage/", UsageView.as_view(), name="usage"),
    path("usage/export/", UsageExportView.as_view(), name="usage-export"),
    path("usage/<uuid:key>/", UsageRecordView.as_view(), name="usage-record"),
    path("profiles/<uuid:pk>/call/", CallView.as_view(), name="profile-call"),
    path("profiles/<uuid:pk>/playground/", PlaygroundView.as_view(), name="playground"),
]
