"""Where the credentials of a connection type go, for people who decide about installing it."""

from collections.abc import Iterator

from providers.manifests import Manifest


def hosts_of(manifest: Manifest) -> list[tuple[str, list[str]]]:
    """Where credentials go: the hosts of each variant, or of the only way (an empty name)."""
    labels = {one.key: one.label for one in manifest.variants}
    found = []
    for way in manifest.ways():
        tokens = [step.token_url for step in way.auth if hasattr(step, "token_url")]
        own = list(way.allowed_hosts) if way.allowed_hosts is not None else [_host(way.base_url)]
        found.append(
            (
                labels.get(way.variant, ""),
                list(dict.fromkeys(one for one in [*own, *map(_host, tokens)] if one)),
            )
        )
    return found


def _host(template: str) -> str:
    """`https://{subdomain}.example.com/api` -> `{subdomain}.example.com`."""
    return template.partition("://")[2].partition("/")[0] if "://" in template else template


def redirected(old: Manifest | None, new: Manifest) -> tuple[str, ...]:
    """Where stored credentials would go with the new version and did not before.

    `old`: None when nobody knows what they were for.
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
    """Every address and host of every variant, as the document writes them, a variant's own told
    apart.
    """
    for way in manifest.ways():
        addresses = [
            way.base_url,
            *(way.allowed_hosts or ()),
            *(step.token_url for step in way.auth if hasattr(step, "token_url")),
        ]
        yield from (f"{one} ({way.variant})" if way.variant else one for one in addresses if one)
