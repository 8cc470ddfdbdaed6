"""What `tfmeta verify` finds, and the names of an export's files."""

import json

import model_answers
import trained

from tfmeta.exporting.verifying.verification import newest_version

CHECKS = [
    "files",
    "graph",
    "load",
    "warm_up",
    "determinism",
    "protos",
    "batching",
    "refusals",
    "no_python",
]
WEIGHTS = "variables/variables.data-00000-of-00001"
WARM_UP = "assets.extra/tf_serving_warmup_requests"


def verify(export):
    """Exit status, and the report that is alone on standard output."""
    done = trained.tfmeta("verify", export, "--json")
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return report


def failures(export):
    """`{check: detail}` of the checks that don't hold, without the command and its process."""
    report = model_answers.checked(newest_version(export))
    assert report["ok"] == all(check["ok"] for check in report["checks"])
    return {check["check"]: check["detail"] for check in report["checks"] if not check["ok"]}
