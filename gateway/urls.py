"""Addresses of the gateway's pages."""

from django.urls import path

from .attention.views import AttentionView, SnoozeView, WakeView
from .notices import views as notices
from .playground.views import CallView, PlaygroundView
from .usage.request_list import RequestListView
from .usage.views import UsageExportView, UsageRecordView, UsageView

urlpatterns = [
    path("attention/", AttentionView.as_view(), name="attention"),
    path("attention/snooze/", SnoozeView.as_view(), name="attention-snooze"),
    path("attention/snoozes/<uuid:pk>/wake/", WakeView.as_view(), name="attention-wake"),
    path("notices/", notices.NoticeListView.as_view(), name="notice-list"),
    path("notices/seen/", notices.NoticesSeenView.as_view(), name="notice-seen"),
    path("notices/targets/", notices.TargetListView.as_view(), name="notice-target-list"),
    path("notices/targets/add/", notices.TargetCreateView.as_view(), name="notice-target-create"),
    path(
        "notices/targets/<uuid:pk>/",
        notices.TargetUpdateView.as_view(),
        name="notice-target-update",
    ),
    path(
        "notices/targets/<uuid:pk>/test/",
        notices.TargetTestView.as_view(),
        name="notice-target-test",
    ),
    path(
        "notices/targets/<uuid:pk>/secret/",
        notices.TargetSecretView.as_view(),
        name="notice-target-secret",
    ),
    path(
        "notices/targets/<uuid:pk>/delete/",
        notices.TargetDeleteView.as_view(),
        name="notice-target-delete",
    ),
    path("usage/", UsageView.as_view(), name="usage"),
    path("usage/requests/", RequestListView.as_view(), name="request-list"),
    path("usage/export/", UsageExportView.as_view(), name="usage-export"),
    path("usage/<uuid:key>/", UsageRecordView.as_view(), name="usage-record"),
    path("profiles/<uuid:pk>/call/", CallView.as_view(), name="profile-call"),
    path("profiles/<uuid:pk>/playground/", PlaygroundView.as_view(), name="playground"),
]
