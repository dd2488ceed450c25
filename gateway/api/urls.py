"""Addresses of the gateway's part of the API, under the same prefixes as connections.api.urls."""

from django.urls import path

from . import analytics, chat

urlpatterns = [
    path("chat/complete", chat.ChatCompleteView.as_view()),
    path("chat/stream", chat.ChatStreamView.as_view()),
    path("chat/<str:profile_id_or_alias>/complete", chat.ProfileChatCompleteView.as_view()),
    path("chat/<str:profile_id_or_alias>/stream", chat.ProfileChatStreamView.as_view()),
    path("embeddings/generate", chat.EmbeddingsView.as_view()),
    path("embeddings/<str:profile_id_or_alias>/generate", chat.ProfileEmbeddingsView.as_view()),
    path("analytics/usage-summary", analytics.UsageSummaryView.as_view()),
    path("analytics/usage-time-series", analytics.UsageTimeSeriesView.as_view()),
    path("analytics/usage-by-provider", analytics.UsageByProviderView.as_view()),
    path("analytics/usage-by-model", analytics.UsageByModelView.as_view()),
    path("analytics/usage-by-profile", analytics.UsageByProfileView.as_view()),
    path("analytics/usage-by-connection", analytics.UsageByConnectionView.as_view()),
    path("analytics/usage-by-user", analytics.UsageByUserView.as_view()),
]
