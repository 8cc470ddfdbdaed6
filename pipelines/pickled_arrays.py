"""Arrays from pickles that others made, read without running anything that may be in them.

A pickle is a program: whoever loads one runs whatever it asks for. Here it may ask for what NumPy
needs to put an array together, and for nothing else.
"""

import pickle

import numpy as np

from tfmeta.errors import UserError

_ARRAY = np.zeros(1, np.uint8)
# Taken from values, not imported, because their homes are NumPy's own affair and have moved.
_RECONSTRUCT, _FROM_BUFFER = _ARRAY.__reduce__()[0], _ARRAY.__reduce_ex__(5)[0]
_SCALAR = _ARRAY[0].__reduce__()[0]


def read_pickled_arrays(path) -> dict:
    """The dictionary in a pickle of arrays, numbers, strings, lists and dictionaries.

    Args:
        path: of the pickle, of Python 2 or 3.

    Raises:
        UserError: if it asks for anything else, or is damaged, or is no dictionary.
    """
    try:
        with open(path, "rb") as file:
            content = _ArrayUnpickler(path, file).load()
    except UserError:
        raise
    except Exception as error:  # whatever a damaged pickle makes of itself
        raise UserError(
            f"cannot read {path}: {str(error).strip() or type(error).__name__}; expected a whole "
            "pickle of arrays. Fetch it again"
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__}; expected a dictionary of arrays")
    return content


def read_pickled_images(path, keys: tuple[str, str]):
    """The images in a pickle, sorted into classes.

    Args:
        path: of the pickle.
        keys: in its dictionary, of the images and of their classes: a dictionary of the numbers of
            each class's images, or a list of each image's class.

    Returns:
        uint8 `(images, height, width, 3)`, and `{class: numbers of its images}`.

    Raises:
        UserError: if it can't be read, or holds something else.
    """
    content = read_pickled_arrays(path)
    images, members = (content.get(key) for key in keys)
    try:
        if not isinstance(members, dict):
            labels = np.array(members)
            names = np.unique(labels).tolist()
            members = {name: np.flatnonzero(labels == name) for name in names}
        members = {name: np.asarray(numbers, int).tolist() for name, numbers in members.items()}
        numbers = [number for each in members.values() for number in each]
        fits = images.dtype == np.uint8 and images.ndim == 4 and images.shape[-1] == 3
        fits = fits and len(numbers) and min(numbers) >= 0 and max(numbers) < len(images)
    except (AttributeError, TypeError, ValueError):
        fits = False
    if not fits:
        raise UserError(
            f"{path} does not hold what is expected: {keys[0]}, uint8 images of shape (images, "
            f"height, width, 3), and {keys[1]}, the classes of all of them"
        )
    return images, members


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, path, file):
        super().__init__(file, encoding="latin1")  # as which NumPy reads Python 2's bytes
        self._path = path

    def find_class(self, module, name):
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        raise UserError(
            f"{self._path} asks for {module}.{name}; expected a pickle of NumPy arrays alone. It "
            "was not run. Fetch it from where you trust it, or use the images themselves"
        )


def _latin1(text, encoding):
    """`_codecs.encode` for bytes in a pickle of protocol 2; other codecs may decompress."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes encoded as {encoding}")
    return text.encode(encoding)


_ADMITTED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
}
for _core in ("numpy.core", "numpy._core"):  # NumPy 1 and 2
    _ADMITTED[f"{_core}.multiarray", "_reconstruct"] = _RECONSTRUCT
    _ADMITTED[f"{_core}.multiarray", "scalar"] = _SCALAR
    _ADMITTED[f"{_core}.numeric", "_frombuffer"] = _FROM_BUFFER
