"""Migrations of settings from older versions of a type, and checks that they lose nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from .document import Manifest, Migration
from .errors import Problem


def migrated(manifest: Manifest, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of an older version, secrets included, as this manifest names them."""
    found = dict(values)
    for step in _steps(manifest, version):
        renamed = {
            step.rename.get(name, name): value
            for name, value in found.items()
            if name in step.rename
        }
        kept = {
            name: value
            for name, value in found.items()
            if name not in step.rename and name not in step.drop
        }
        found = kept | renamed | step.set
    return found


def _steps(manifest: Manifest, version: int) -> list[Migration]:
    return sorted(
        (step for step in manifest.migrations if step.since >= version), key=lambda step: step.since
    )


def destination(manifest: Manifest, version: int, name: str) -> str:
    """Today's name of a setting of that version; empty if it was dropped."""
    for step in _steps(manifest, version):
        if name in step.rename:
            name = step.rename[name]
        elif name in step.drop or name in step.set:
            return ""
    return name


def migration_problems(manifest: Manifest) -> Iterator[Problem]:
    """Steps that lead nowhere, or twice from the same version."""
    seen: set[int] = set()
    for index, step in enumerate(manifest.migrations):
        place = f"migrations[{index}]"
        if step.since >= manifest.version:
            yield (
                f"{place}.from",
                f"It leads from version {step.since} to {step.since + 1}, and this is version "
                f"{manifest.version}.",
            )
        if step.since in seen:
            yield f"{place}.from", f"Two steps lead from version {step.since}. Write them as one."
        seen.add(step.since)
        yield from (
            (f"{place}.{name}", message) for name, message in _step_problems(manifest, step)
        )


def _step_problems(manifest: Manifest, step: Migration) -> Iterator[Problem]:
    for old, new in step.rename.items():
        if not _exists(manifest, destination(manifest, step.since + 1, new)):
            yield "rename", f"{old[:50]} becomes {new[:50]}, which is not a field of this version."
        if old in step.drop:
            yield "drop", f"{old[:50]} is renamed and dropped. Do one of them."
    if len(set(step.rename.values())) < len(step.rename):
        yield "rename", "Two fields get the same name. Drop one of them."
    for name, value in step.set.items():
        target = destination(manifest, step.since + 1, name)
        field = manifest.field(target)
        if target and not _exists(manifest, target):
            yield "set", f"{name[:50]} is not a field of this version."
        if field and field.is_secret:
            yield "set", f"{name[:50]} is a secret, which no document holds."
        if field and field.choices and value not in [one.value for one in field.choices]:
            yield "set", f"{name[:50]} has no choice {str(value)[:50]!r}."


def _exists(manifest: Manifest, name: str) -> bool:
    return (
        not name
        or manifest.field(name) is not None
        or name == "timeout"
        or (name == "variant" and bool(manifest.variants))
    )


def compare(old: Manifest, new: Manifest) -> list[str]:
    """The reasons why connections of the installed type cannot become those of the new one, a
    sentence each; none if they can.
    """
    if new.key != old.key:
        return [f"{new.key} is another type than {old.key}."]
    if new.version < old.version:
        return [
            f"Version {old.version} of {old.key} is installed, which is newer than {new.version}."
        ]
    if new.version == old.version:
        return (
            []
            if new == old
            else [
                f"This differs from the installed version {old.version}. Give it a higher version."
            ]
        )
    return [reason for field in old.fields for reason in _lost_field(old, new, field.key)] + list(
        _lost_variants(old, new)
    )


def _lost_field(old: Manifest, new: Manifest, name: str) -> Iterator[str]:
    was, today = old.field(name), destination(new, old.version, name)
    field = new.field(today)
    if today and field is None and today != "timeout":
        yield f"The field {name} is gone. Say under migrations whether it is renamed or dropped."
    if today and field and was and was.is_secret and not field.is_secret:
        yield (
            f"The secret {name} would become {today}, which everybody may read. Drop it, and ask "
            "for it again."
        )


def _lost_variants(old: Manifest, new: Manifest) -> Iterator[str]:
    """Problems of variants: a connection keeps its own, or a migration sets another."""
    said = {
        value
        for step in _steps(new, old.version)
        for name, value in step.set.items()
        if name == "variant"
    }
    if said or not new.variants:
        return
    if not old.variants:
        yield (
            "It has variants now. Say under migrations which one existing connections are: set: "
            "{variant: ...}."
        )
    for gone in sorted({one.key for one in old.variants} - {one.key for one in new.variants}):
        yield (
            f"The variant {gone} is gone. Say under migrations which one its connections become: "
            "set: {variant: ...}."
        )
