"""Finding an export, and verifying it in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from tfmeta.errors import UserError


def newest_version(path) -> Path:
    """`exported/NAME/VERSION` for itself, or for `exported/NAME` with the highest VERSION.

    Raises:
        UserError: if there is no export.
    """
    path = Path(path).resolve()
    if (path / "tfmeta.json").is_file() or (path / "saved_model.pb").is_file():
        return path
    if path.is_dir():
        versions = [p for p in path.iterdir() if p.is_dir() and p.name.isdigit()]
        if versions:
            return max(versions, key=lambda p: int(p.name))
    raise UserError(
        f"there is no export in {path}; expected exported/NAME or exported/NAME/VERSION as "
        "`tfmeta export` makes them"
    )


def verify_export(version) -> dict:
    """The report of `tfmeta.exporting.verifier` on one version, from a fresh process.

    A model that crashes the process fails the check; it doesn't take the caller along.
    """
    command = [sys.executable, "-m", "tfmeta.exporting.verifier", str(version)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        detail = f"the process that loaded it ended with status {done.returncode}: {last}"
        crashed = {"check": "process", "ok": False, "detail": detail}
        return {"export": str(version), "ok": False, "checks": [crashed]}
