"""Errors of reading and writing packages.

Every text is for people and repeats no value of the package.
"""

from django.utils.translation import gettext as _

from .plan import Plan


class PackageError(Exception):
    """A package, or a decision about it, is refused as a whole; nothing was written, unless the
    message says how much.

    `code` is stable: too_large, not_a_package, newer_version, unexpected_file, wrong_sum,
    bad_document, clear_secret, wrong_passphrase, weak_passphrase, bad_decision, nothing_to_export,
    no_such_part, changed (meanwhile, by others), interrupted (the database went away in the
    middle), stopped (by its user).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class PackageConflict(Exception):
    """An import wrote nothing because of `plan.conflicts`; the notes of each say why."""

    def __init__(self, plan: Plan) -> None:
        names = ", ".join(f"{_(item.kind)} {item.alias}" for item in plan.conflicts[:5])
        if len(plan.conflicts) > 5:
            names = _("%(names)s and more") % {"names": names}
        text = _(
            "Nothing was imported, because of %(names)s. Decide what to do with each, or leave it "
            "out."
        )
        super().__init__(text % {"names": names})
        self.plan = plan
