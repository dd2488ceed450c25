"""Addresses of the schedule's page."""

from django.urls import path

from .views import ScheduleView

urlpatterns = [path("settings/schedule/", ScheduleView.as_view(), name="schedule")]
