"""Whether the server is being stopped: every worker knows it as soon as the master process."""

import mmap

_shared = mmap.mmap(-1, 1)  # a byte that every process that is forked from this one sees


def begin() -> None:
    """Notes that the server is being stopped. There is no way back."""
    _shared[0] = 1


def is_draining() -> bool:
    """True once the server is being stopped."""
    return _shared[0] == 1
