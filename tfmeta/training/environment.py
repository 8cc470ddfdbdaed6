"""What a run was made with: recorded beside its settings."""

import os
import platform
import sys
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

_PACKAGES = ("tfmeta", "tensorflow", "keras", "numpy", "tensorflow-datasets")


def environment() -> dict[str, Any]:
    """The content of environment.json."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {
            name: version(name) for name in _PACKAGES if find_spec(name.replace("-", "_"))
        },
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
    }
