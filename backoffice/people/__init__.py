"""Sign-in, permissions, and the administration of users and groups."""
