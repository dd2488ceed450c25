"""Addresses of workload identity in the API, under the same prefixes as connections.api.urls."""

from math import ceil
from pathlib import Path

from django.urls import path

from connections.api.openapi import register_operations
from connections.api.problems import Problem, register_problem

from . import views
from .authentication import IssuerUnavailable

register_operations(Path(__file__).with_name("operations.yaml"))
register_problem(
    IssuerUnavailable,
    lambda error: Problem(
        503,
        str(error.detail),
        "issuer_unavailable",
        headers={"Retry-After": str(ceil(error.seconds))},
    ),
)

urlpatterns = [
    path("trusted-issuers", views.IssuerList.as_view()),
    path("trusted-issuers/try", views.TokenTrial.as_view()),
    path("trusted-issuers/<str:name>", views.IssuerDetail.as_view()),
    path("trusted-issuers/<str:name>/keys", views.IssuerKeys.as_view()),
    path("trusted-issuers/<str:name>/rules", views.RuleList.as_view()),
    path("trusted-issuers/<str:name>/rules/<str:rule>", views.RuleDetail.as_view()),
]
