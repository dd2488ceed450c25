"""The list of what is broken or soon will be, the worst first, each with its cure beside it."""
