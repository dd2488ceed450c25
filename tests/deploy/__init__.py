"""The files of deploy/. What is not called test_* needs programs of its own: `make test-deploy` and
`make test-image` run it.
"""
