"""The forms of the pages. The services judge the values, and their errors are shown field by
field.
"""

from .aliases import AliasForm
from .connections import ConnectionForm
from .fields import AliasesField, NetworksField
from .profiles import ProfileForm

__all__ = ["AliasForm", "AliasesField", "ConnectionForm", "NetworksField", "ProfileForm"]
