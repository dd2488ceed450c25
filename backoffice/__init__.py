"""The Django project: settings, doors, the dashboard. Wiring, no rules."""
