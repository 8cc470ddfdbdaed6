"""Finds an export, and verifies it in a process of its own."""

import json
from pathlib import Path
from typing import Any

from tfmeta import children
from tfmeta.errors import UserError
from tfmeta.exporting.contract import MANIFEST, MODEL
from tfmeta.user_files import AnyPath


def newest_version(path: AnyPath) -> Path:
    """The folder of a version: `exported/NAME/VERSION` itself, or the highest in `exported/NAME`.

    Raises:
        UserError: if there is no export.
    """
    path = Path(path).resolve()
    if _is_export(path):
        return path
    if path.is_dir():
        versions = [p for p in path.iterdir() if p.is_dir() and p.name.isdigit()]
        if any(map(_is_export, versions)):
            return max(versions, key=lambda p: int(p.name))
    raise UserError(
        f"there is no export in {path}; expected exported/NAME or exported/NAME/VERSION as "
        "`tfmeta export` makes them"
    )


def _is_export(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() or (folder / MODEL).is_file()


def verify_export(version: AnyPath, *, timeout: float = children.DEFAULT_TIMEOUT) -> dict[str, Any]:
    """The report of `tfmeta.exporting.verifying.verifier` on one version, from a fresh process.

    A model fails the check if it crashes that process or takes longer than `timeout` seconds. The
    caller goes on in either case.
    """
    try:
        module = "tfmeta.exporting.verifying.verifier"
        return json.loads(children.run(module, Path(version).resolve(), timeout=timeout))
    except children.ChildDied as error:
        crashed = {"check": "process", "ok": False, "detail": str(error)}
        return {"export": str(version), "ok": False, "checks": [crashed]}


def refuse_failed(report: dict[str, Any], what: str) -> None:
    """Raises UserError if a check of a report does not hold; `what` is said before its name."""
    for check in report["checks"]:
        if not check["ok"]:
            raise UserError(f"{what} its check {check['check']}: {check['detail']}", exit_status=1)
