"""Addresses of the pages of the tokens of flows."""

from django.urls import path

from . import views

urlpatterns = [
    path("tokens/flows/", views.RevealTokenListView.as_view(), name="reveal-token-list"),
    path(
        "tokens/flows/reads/",
        views.RevealRecordListView.as_view(),
        name="reveal-record-list",
    ),
    path(
        "tokens/flows/<uuid:pk>/revoke/",
        views.RevealTokenRevokeView.as_view(),
        name="reveal-token-revoke",
    ),
]
