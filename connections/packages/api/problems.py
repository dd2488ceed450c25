"""The problems of packages. Registered by being imported."""

from connections.api.problems import Problem, register_problem

from .. import services
from .serializers import PackageItemSerializer, package_items

STATUS = {
    "too_large": 413,
    "changed": 409,
    "nothing_to_export": 409,
    "no_such_part": 409,
    "interrupted": 503,
}

register_problem(
    services.PackageError,
    lambda error: Problem(STATUS.get(error.code, 400), error.message, error.code),
)
register_problem(
    services.PackageConflict,
    lambda error: Problem(
        409, str(error), "package_conflict", {"items": package_items(error.plan)}
    ),
    items=PackageItemSerializer(
        many=True,
        required=False,
        help_text="The items of the package, those in conflict among them.",
    ),
)
