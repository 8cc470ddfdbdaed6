"""`tfmeta.verify`: checks that an export works in TensorFlow Serving."""

from dataclasses import dataclass
from typing import Any

from tfmeta import children
from tfmeta.exporting.verifying.verification import newest_version, verify_export
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_timeout, path


@dataclass(frozen=True)
class Verification:
    """What the checks of an export found. It is true if all checks hold.

    Attributes:
        export: the version's folder.
        ok: whether every check holds.
        checks: one `{"check": name, "ok": bool, "detail": text}` per check.
    """

    export: str
    ok: bool
    checks: list[dict[str, Any]]

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        verdicts = {True: "holds", False: "FAILS"}
        lines = [f"{c['check']}  {verdicts[c['ok']]}  {c['detail']}" for c in self.checks]
        return "\n".join([self.export, *lines])

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta verify --json` prints."""
        return {"export": self.export, "ok": self.ok, "checks": self.checks}


def verify(export: AnyPath, *, timeout: float = children.DEFAULT_TIMEOUT) -> Verification:
    """Checks an export, as `tfmeta verify` does, in a fresh process without TensorFlow's Python.

    Args:
        export: `exported/NAME`, its newest version, or `exported/NAME/VERSION`.
        timeout: seconds after which the process is ended; the export then fails.

    Raises:
        UserError: if there is no such export, or an argument makes no sense.
    """
    check_timeout(timeout)
    version = newest_version(path("export", export))
    return Verification(**verify_export(version, timeout=timeout))
