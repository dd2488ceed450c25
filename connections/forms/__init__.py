"""The forms of the pages. The services judge the values, and their errors are shown field by
field.
"""

from .aliases import AliasForm
from .base import team_choices
from .connections import ConnectionForm
from .fields import AliasesField, NetworksField, TagsField
from .profiles import ProfileForm

__all__ = [
    "AliasForm",
    "AliasesField",
    "ConnectionForm",
    "NetworksField",
    "ProfileForm",
    "TagsField",
    "team_choices",
]
