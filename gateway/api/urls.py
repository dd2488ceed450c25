"""Addresses of the gateway's part of the API, under the same prefixes as connections.api.urls."""

from django.urls import path

from ..attention import api as attention
from ..notices import api as notices
from ..usage import api, records_api
from . import chat, openapi  # noqa: F401 openapi registers itself

urlpatterns = [
    path("chat/complete", chat.ChatCompleteView.as_view()),
    path("chat/stream", chat.ChatStreamView.as_view()),
    path("chat/<str:profile_id_or_alias>/complete", chat.ProfileChatCompleteView.as_view()),
    path("chat/<str:profile_id_or_alias>/stream", chat.ProfileChatStreamView.as_view()),
    path("embeddings/generate", chat.EmbeddingsView.as_view()),
    path("embeddings/<str:profile_id_or_alias>/generate", chat.ProfileEmbeddingsView.as_view()),
    path("attention", attention.AttentionList.as_view()),
    path("attention/snoozes", attention.SnoozeList.as_view()),
    path("attention/snoozes/<str:id>", attention.SnoozeDetail.as_view()),
    path("notices", notices.NoticeList.as_view()),
    path("notices/seen", notices.NoticesSeen.as_view()),
    path("notice-targets", notices.TargetList.as_view()),
    path("notice-targets/<str:id>", notices.TargetDetail.as_view()),
    path("notice-targets/<str:id>/secret", notices.TargetSecret.as_view()),
    path("notice-targets/<str:id>/test", notices.TargetTest.as_view()),
    path("analytics/usage-records", records_api.UsageRecordsView.as_view()),
    path("analytics/usage-records/<str:id>", records_api.UsageRecordView.as_view()),
    path("analytics/usage-summary", api.UsageSummaryView.as_view()),
    path("analytics/usage-time-series", api.UsageTimeSeriesView.as_view()),
    path("analytics/usage-by-provider", api.UsageByProviderView.as_view()),
    path("analytics/usage-by-model", api.UsageByModelView.as_view()),
    path("analytics/usage-by-profile", api.UsageByProfileView.as_view()),
    path("analytics/usage-by-connection", api.UsageByConnectionView.as_view()),
    path("analytics/usage-by-user", api.UsageByUserView.as_view()),
]
