"""Addresses of workload identity."""

from django.urls import path

from .views import issuers, rules, trial
from .views.issuers import IssuerActiveView, IssuerDeleteView, IssuerUpdateView

urlpatterns = [
    path("issuers/", issuers.IssuerListView.as_view(), name="trusted-issuer-list"),
    path("issuers/add/", issuers.IssuerCreateView.as_view(), name="trusted-issuer-create"),
    path("issuers/try/", trial.TokenTrialView.as_view(), name="token-trial"),
    path("issuers/<uuid:pk>/", issuers.IssuerDetailView.as_view(), name="trusted-issuer-detail"),
    path("issuers/<uuid:pk>/edit/", IssuerUpdateView.as_view(), name="trusted-issuer-update"),
    path("issuers/<uuid:pk>/keys/", issuers.IssuerKeysView.as_view(), name="trusted-issuer-keys"),
    path(
        "issuers/<uuid:pk>/active/",
        IssuerActiveView.as_view(),
        name="trusted-issuer-active",
    ),
    path(
        "issuers/<uuid:pk>/delete/",
        IssuerDeleteView.as_view(),
        name="trusted-issuer-delete",
    ),
    path("issuers/<uuid:pk>/rules/add/", rules.RuleCreateView.as_view(), name="issuer-rule-create"),
    path(
        "issuers/<uuid:pk>/rules/<uuid:rule>/",
        rules.RuleUpdateView.as_view(),
        name="issuer-rule-update",
    ),
    path(
        "issuers/<uuid:pk>/rules/<uuid:rule>/active/",
        rules.RuleActiveView.as_view(),
        name="issuer-rule-active",
    ),
    path(
        "issuers/<uuid:pk>/rules/<uuid:rule>/delete/",
        rules.RuleDeleteView.as_view(),
        name="issuer-rule-delete",
    ),
]
