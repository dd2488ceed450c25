"""The app of packages."""

from django.apps import AppConfig


class PackagesConfig(AppConfig):
    """Brings its commands, and says where its secrets stay."""

    name = "connections.packages"
    label = "connection_packages"

    def ready(self) -> None:
        from .services import declare_own_keeper

        declare_own_keeper()
