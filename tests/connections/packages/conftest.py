"""Every test of packages has cheap passphrases."""

import pytest


@pytest.fixture(autouse=True)
def dear(cheap_passphrases: int) -> int:
    """What a passphrase costs outside of these tests, for the test that pays it once."""
    return cheap_passphrases
