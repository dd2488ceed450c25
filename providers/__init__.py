"""AI services and others: one module per provider, beside the packages that providers share.

Knows no Django.
"""

import sys

from .core import base, registry, settings, types

# Packages of others import these four by the names that docs give them: `from providers.base import
# Provider`. They are not files here, because every module of this folder is a provider.
for _module in (base, registry, settings, types):
    sys.modules[f"{__name__}.{_module.__name__.rpartition('.')[2]}"] = _module
