"""Addresses of the audit's pages."""

from django.urls import path

from .lists import AuditListView, OwnActsView
from .views import EventView, ExportView, StreamsView

urlpatterns = [
    path("audit/", AuditListView.as_view(), name="audit-list"),
    path("audit/mine/", OwnActsView.as_view(), name="own-acts"),
    path("audit/export/", ExportView.as_view(), name="audit-export"),
    path("audit/streams/", StreamsView.as_view(), name="audit-streams"),
    path("audit/<int:pk>/", EventView.as_view(), name="audit-event"),
]
