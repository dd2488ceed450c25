"""The app of packages."""

from django.apps import AppConfig


class PackagesConfig(AppConfig):
    """Brings its commands."""

    name = "connections.packages"
    label = "connection_packages"
