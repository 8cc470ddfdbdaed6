"""TensorFlow's protos without TensorFlow's Python, and the error of who loads models by them."""

import importlib.util
import sys


class LoaderError(RuntimeError):
    """A refusal, by TensorFlow or by this module; `code` is TensorFlow's name for its kind."""

    def __init__(self, message: str, code: str = "INVALID_ARGUMENT"):
        super().__init__(f"{code}: {message}")
        self.code = code


def genuine_protos() -> str:
    """Makes `tensorflow.core` and `tensorflow_serving` importable without TensorFlow's Python.

    From then on an empty module stands in for `tensorflow`, unless that is imported already.
    Returns the folder of TensorFlow's wheel; raises LoaderError if it is not installed.
    """
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.submodule_search_locations:
        raise LoaderError("TensorFlow's wheel is not installed", "NOT_FOUND")
    if "tensorflow" not in sys.modules:
        sys.modules["tensorflow"] = importlib.util.module_from_spec(spec)
    return spec.submodule_search_locations[0]
