"""Writes docs/sbom.cdx.json: what the product is made of, in CycloneDX's format. `make sbom`.

The Python packages are those of requirements.txt, by the tool of CycloneDX. Inside some of them are
scripts of others, which our server hands to browsers: each is a component of its package, with the
version that it says of itself. With `--check` nothing is written and no network is asked: the
command fails where names or versions are not those of requirements.txt and of these scripts.
"""

import json
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements.txt"
FILE = ROOT / "docs" / "sbom.cdx.json"
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+?)(?: ; (.+?))? \\$", re.MULTILINE)

Component = dict[str, Any]


class Script(NamedTuple):
    """A file of somebody else's, inside a Python package: its name on npm, where it is, and what
    its version stands behind.
    """

    name: str
    file: str
    version: str


ADMIN = "django/contrib/admin/static/admin/js/vendor"
SIDECAR = "drf_spectacular_sidecar/static/drf_spectacular_sidecar"
HTMX = "django_htmx/static/django_htmx"
SCRIPTS = {
    "django": (
        Script("jquery", f"{ADMIN}/jquery/jquery.min.js", r"jQuery v([\d.]+)"),
        Script("select2", f"{ADMIN}/select2/select2.full.js", r"Select2 ([\d.]+)"),
        Script("xregexp", f"{ADMIN}/xregexp/xregexp.js", r"XRegExp ([\d.]+)"),
    ),
    "django-htmx": (
        Script("htmx.org", f"{HTMX}/htmx-2.min.js", r'version:"([\d.]+)"'),
        Script("htmx.org", f"{HTMX}/htmx-4.min.js", r'version="([^"]+)"'),
    ),
    "drf-spectacular-sidecar": (
        Script(
            "swagger-ui-dist",
            f"{SIDECAR}/swagger-ui-dist/swagger-ui-bundle.js",
            r'PACKAGE_VERSION:"([\d.]+)"',
        ),
    ),
}


def main(arguments: list[str]) -> None:
    """Write the document, or say whether the one that is there is still true."""
    if "--check" not in arguments:
        FILE.write_text(json.dumps(document(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    if wrong := sorted(set(named(known)) ^ set(needed())):
        sys.exit(f"{FILE.relative_to(ROOT)} is not up to date; run make sbom: {', '.join(wrong)}")


def needed() -> list[str]:
    """The package URLs that the document must have, from requirements.txt and the scripts."""
    found = [f"pkg:pypi/{name}@{version}" for name, version, _ in requirements()]
    return [*found, *(one["purl"] for package in SCRIPTS for one in scripts(package))]


def named(found: Component) -> list[str]:
    """The package URLs that a document has."""
    packages = found.get("components", [])
    inside = [one for package in packages for one in package.get("components", [])]
    return [one["purl"] for one in (*packages, *inside)]


def requirements() -> list[tuple[str, str, str]]:
    """Name, version and condition of each line of requirements.txt."""
    return PINNED.findall(REQUIREMENTS.read_text(encoding="utf-8"))


def scripts(package: str) -> list[Component]:
    """The scripts of others in an installed package; `SystemExit` where one tells no version."""
    found = []
    for one in SCRIPTS.get(package, ()):
        path = Path(str(distribution(package).locate_file(one.file)))
        told = re.search(one.version, path.read_text(encoding="utf-8"))
        if not told:
            sys.exit(f"{one.file} of {package} does not tell its version; look at tools/sbom.py")
        found.append(
            {
                "type": "library",
                "name": one.name,
                "version": told[1],
                "bom-ref": f"{package}/{one.name}@{told[1]}",
                "purl": f"pkg:npm/{one.name}@{told[1]}",
            }
        )
    return found


def document() -> Component:
    """What CycloneDX's tool makes of requirements.txt, without what changes or tells where
    packages were fetched: hashes are in requirements.txt.
    """
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    command += ["--short-PURLs", "--pyproject", "pyproject.toml", REQUIREMENTS.name]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    made = json.loads(done.stdout)
    conditions = {name: condition for name, _, condition in requirements()}
    product = made["metadata"]["component"]
    return {
        "$schema": made["$schema"],
        "bomFormat": made["bomFormat"],
        "specVersion": made["specVersion"],
        "version": 1,
        "metadata": {
            "component": {
                key: product[key] for key in ("type", "name", "version", "description", "bom-ref")
            }
        },
        "components": [component(one, conditions) for one in by_name(made["components"])],
    }


def by_name(components: list[Component]) -> list[Component]:
    """Components in an order that says nothing."""
    return sorted(components, key=lambda one: one["name"])


def component(found: Component, conditions: dict[str, str]) -> Component:
    """One package: its name, version and URL, when it is installed, and the scripts in it."""
    name = found["name"]
    one = {key: found[key] for key in ("type", "name", "version", "purl")}
    one["bom-ref"] = found["purl"]
    if condition := conditions.get(name):
        one["properties"] = [{"name": "switchboard:installed-when", "value": condition}]
    if inside := scripts(name):
        one["components"] = inside
    return one


if __name__ == "__main__":
    main(sys.argv[1:])
