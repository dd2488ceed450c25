"""The door of packages: export, plan and import them, keep an upload until it is decided on."""

from ..format.errors import PackageConflict, PackageError
from ..format.plan import Decisions, Placeholder, Plan, PlanItem
from .export import export_package
from .folders import package_of_folder
from .importing import import_package
from .parts import parts_of
from .planning import brings_profiles, plan_import
from .uploads import (
    MAY_IMPORT,
    declare_own_keeper,
    drop_upload,
    import_upload,
    keep_upload,
    read_upload,
)

__all__ = [
    "MAY_IMPORT",
    "Decisions",
    "PackageConflict",
    "PackageError",
    "Placeholder",
    "Plan",
    "PlanItem",
    "brings_profiles",
    "declare_own_keeper",
    "drop_upload",
    "export_package",
    "import_package",
    "import_upload",
    "keep_upload",
    "package_of_folder",
    "parts_of",
    "plan_import",
    "read_upload",
]
