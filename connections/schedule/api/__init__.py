"""The API of the schedule."""
