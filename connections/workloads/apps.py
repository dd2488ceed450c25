"""The app of workload identity."""

from django.apps import AppConfig


class WorkloadsConfig(AppConfig):
    """Brings its command and its job."""

    name = "connections.workloads"
    label = "connection_workloads"

    def ready(self) -> None:
        from .services import declare_jobs

        declare_jobs()
