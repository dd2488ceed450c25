"""Private keys in PEM, as people paste them."""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ..core.errors import ProviderError

NO_KEY = (
    "This is not a private key. Paste it with its lines BEGIN PRIVATE KEY and END PRIVATE KEY, and "
    "check its passphrase."
)
LOCKED = "The private key has a passphrase, and none is entered. Enter it."
UNLOCKED = "The private key has no passphrase, and one is entered. Clear it."


def private_key(pem: str, passphrase: str = "") -> PrivateKeyTypes:
    """The key of a PEM text.

    Raises ProviderError with a sentence for people, which carries nothing of the text.
    """
    failure = ""
    try:
        return _loaded(pem, passphrase)
    except TypeError:  # a passphrase too many or too few
        failure = UNLOCKED if passphrase else LOCKED
    except Exception:  # noqa: BLE001 there is no end to what a text can be
        failure = NO_KEY
    raise ProviderError(failure, "bad_request", True)  # out here, without the text in a context


@lru_cache(maxsize=64)
def _loaded(pem: str, passphrase: str) -> PrivateKeyTypes:
    """The key, which takes longer to check than a signature does to make."""
    # In an environment variable the line breaks are often written as \n.
    text = pem.strip().replace("\\n", "\n")
    return load_pem_private_key(text.encode(), passphrase.encode() or None)
