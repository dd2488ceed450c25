"""The hosts that the credentials of a connection type go to, for people who decide about
installing it.
"""

from collections.abc import Iterator

from providers.manifests import Manifest


def hosts_of(manifest: Manifest) -> list[tuple[str, list[str]]]:
    """The hosts of each variant by its label; the label is empty for a type without variants."""
    labels = {one.key: one.label for one in manifest.variants}
    found = []
    for variant in manifest.auth_variants():
        tokens = [step.token_url for step in variant.auth if hasattr(step, "token_url")]
        own = (
            list(variant.allowed_hosts)
            if variant.allowed_hosts is not None
            else [_host(one) for one in (variant.base_url, *variant.addresses.values())]
        )
        found.append(
            (
                labels.get(variant.key, ""),
                list(dict.fromkeys(one for one in [*own, *map(_host, tokens)] if one)),
            )
        )
    return found


def _host(template: str) -> str:
    """`https://{subdomain}.example.com/api` -> `{subdomain}.example.com`."""
    return template.partition("://")[2].partition("/")[0] if "://" in template else template


def redirected(old: Manifest | None, new: Manifest) -> tuple[str, ...]:
    """The destinations of stored credentials that the new version adds.

    `old`: None if the installed version cannot be read; then all of them are new.
    """
    before, today = set(_destinations(old)) if old else set(), dict.fromkeys(_destinations(new))
    steered = {
        name
        for step in new.migrations
        if old and step.since >= old.version
        for name in (*step.set, *step.rename.values())
    }
    if any(name == "variant" or f"{{{name}}}" in one for name in steered for one in today):
        return tuple(today)
    return tuple(one for one in today if one not in before)


def _destinations(manifest: Manifest) -> Iterator[str]:
    """Every address and host of every variant as the document writes it, with the variant's key."""
    for variant in manifest.auth_variants():
        addresses = [
            variant.base_url,
            *variant.addresses.values(),
            *(variant.allowed_hosts or ()),
            *(step.token_url for step in variant.auth if hasattr(step, "token_url")),
        ]
        yield from (f"{one} ({variant.key})" if variant.key else one for one in addresses if one)
