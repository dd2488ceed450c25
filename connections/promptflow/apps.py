"""The app of promptflow's files and flows."""

from django.apps import AppConfig


class PromptflowConfig(AppConfig):
    """Brings its commands."""

    name = "connections.promptflow"
    label = "connection_promptflow"
