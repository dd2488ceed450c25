"""Takes out of an image's venv what Switchboard never reads: `python3 trim.py .venv`.

Languages that it does not speak, descriptions of Amazon's services that it does not ask, sources of
compiled modules, pages that it does not serve, the tests of others, and symbols for debuggers.
tests/deploy/inside.py makes a client of every provider and of every secret store in what is left.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LANGUAGES = {"en", "de", "root"}
# asked by providers/, connections/sources/, connections/wrapped_keys and botocore's ways to sign in
AMAZON = {
    *("bedrock", "bedrock-runtime", "secretsmanager", "ssm", "kms"),
    *("sts", "sso", "sso-oidc", "signin"),
}
SOURCES = ("*.po", "*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "*.hpp", "*.whl")
LARGE = 1_000_000  # bytes of a compiled module from which its symbols are worth the way


def unread(packages: Path) -> Iterator[Path]:
    """Files and folders below site-packages that nothing reads."""
    for folder in packages.rglob("LC_MESSAGES"):
        if folder.parent.name not in LANGUAGES:
            yield folder.parent
    for file in (packages / "babel" / "locale-data").iterdir():
        if file.stem.split("_")[0] not in LANGUAGES:
            yield file
    for folder in (packages / "botocore" / "data").iterdir():
        if folder.is_dir() and folder.name not in AMAZON:
            yield folder
    yield from packages.glob("drf_spectacular_sidecar/static/*/redoc")  # backoffice/apps.py has why
    yield from (one for one in packages.rglob("tests") if one.is_dir())
    for pattern in SOURCES:
        yield from packages.rglob(pattern)


def main(venv: Path) -> None:
    """Take it out."""
    (packages,) = venv.glob("lib/python*/site-packages")
    for path in list(unread(packages)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # with its folder, perhaps
    for module in (*packages.rglob("*.cpython-*.so"), *packages.rglob("*.abi3.so")):
        if module.stat().st_size > LARGE:
            subprocess.run(["strip", "--strip-unneeded", str(module)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
