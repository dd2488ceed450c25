"""The app of people, for the administration of users and groups."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Sign-in, permissions, users and groups."""

    name = "backoffice.people"
    label = "people"
