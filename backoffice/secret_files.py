"""Secrets of settings in files of their own, which NAME_FILE names: as Docker, Kubernetes and
systemd hand them over.
"""

import re
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables


@sensitive_variables()
def read_secret_file(name: str, given: str, path: str) -> str:
    """The text of the file at `path`, without blanks and line ends around it. `given`: what the
    setting itself says, which must be nothing. Raises ImproperlyConfigured.
    """
    file = f"{name}_FILE"
    if given:
        raise ImproperlyConfigured(f"{name} and {file} are both set. Take one away.")
    try:
        text = Path(path).read_text("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{file} is not UTF-8 text.") from None
    if not text:
        raise ImproperlyConfigured(f"{file} names a file that is empty. Write the value into it.")
    return text


@sensitive_variables()
def entries(text: str) -> list[str]:
    """What stands between commas or line ends."""
    return [one.strip() for one in re.split(r"[,\n]", text) if one.strip()]
