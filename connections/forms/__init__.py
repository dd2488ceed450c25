"""Forms carry and translate; they judge nothing.

What is wrong comes back from the services, field by field.
"""

from .connections import ConnectionForm
from .fields import AliasesField
from .profiles import ProfileForm

__all__ = ["AliasesField", "ConnectionForm", "ProfileForm"]
