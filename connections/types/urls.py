"""Addresses of the pages of connection types."""

from django.urls import path

from . import views

urlpatterns = [
    path("types/", views.TypeListView.as_view(), name="type-list"),
    path("types/install/", views.TypeInstallView.as_view(), name="type-install"),
    path("types/<str:key>/", views.TypeDetailView.as_view(), name="type-detail"),
    path("types/<str:key>/remove/", views.TypeRemoveView.as_view(), name="type-remove"),
]
