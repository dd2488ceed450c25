"""Addresses of finding."""

from django.urls import path

from .views import FindView, KeysView

urlpatterns = [
    path("find/", FindView.as_view(), name="find"),
    path("find/keys/", KeysView.as_view(), name="keys"),
]
