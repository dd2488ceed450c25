"""Programs for people who work on Switchboard; none of them is part of it."""
