"""Bad days, as drills: each starts the product as `make run` does, on data of its own, does what a
bad day does, and holds the product to what docs/bad-days.md promises.

`python -m tests.drills disk clock` runs two of them, without a name those of DAILY.
"""
