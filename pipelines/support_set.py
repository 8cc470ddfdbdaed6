"""A user's support set: a folder with a subfolder of images for each class."""

from pathlib import Path

import numpy as np

from tfmeta.errors import UserError

_FORMATS = ("PNG", "JPEG", "GIF", "BMP")  # what the graph can decode


def read_image(path) -> bytes:
    """The bytes of an image file.

    Raises:
        UserError: if the file is missing or is no image of these formats.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=_FORMATS) as image:
            image.load()
        return Path(path).read_bytes()
    except UnidentifiedImageError:
        problem = "is no image"
    except (OSError, SyntaxError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    raise UserError(f"{path} {problem}; expected a whole {', '.join(_FORMATS)} file")


def read_support_folder(folder, *, num_classes: int) -> tuple[list[str], list[bytes], list[int]]:
    """Class names (the subfolders', sorted), the encoded images, and the class of each.

    Args:
        folder: the support set's folder; files whose names start with a dot are passed over.
        num_classes: that the learner answers with at most.

    Raises:
        UserError: if it is no such folder, a class is empty, a file is no image, or there are
            more classes than the learner answers with.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(
            f"support folder {folder} is not there; expected a subfolder for each class"
        )
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not 2 <= len(classes) <= num_classes:
        raise UserError(
            f"support folder {folder} has {len(classes)} class subfolders; this learner takes 2 to "
            f"{num_classes}"
        )
    files, labels = [], []
    for label, each in enumerate(classes):
        images = sorted(p for p in each.iterdir() if not p.name.startswith("."))
        if not images:
            raise UserError(f"support folder {each} is empty; expected at least one image")
        files += [read_image(path) for path in images]
        labels += [label] * len(images)
    return [each.name for each in classes], files, labels


def read_support_arrays(path, facts, *, num_classes: int):
    """A support set as a network takes it: `(class names or None, x, y)`.

    Args:
        path: a support folder, or for examples that are no images an NPZ file with `x` and `y`.
        facts: the SourceFacts of the run.
        num_classes: that the learner answers with at most.

    Raises:
        UserError: if it can't be read, or has the wrong shape.
    """
    if facts.image_format is not None:
        from tfmeta.images import to_unit

        names, files, labels = read_support_folder(path, num_classes=num_classes)
        return names, to_unit(facts.image_format.decode_all(files)), np.array(labels, np.int32)
    try:
        with np.load(path) as arrays:
            x, y = arrays["x"].astype(np.float32), arrays["y"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"cannot read {path}: {error}; expected an NPZ file of x and y") from error
    if x.shape[1:] != facts.input_shape or len(x) != len(y) or not len(x):
        raise UserError(
            f"{path} holds x of shape {x.shape} and y of shape {y.shape}; expected as many of "
            f"both, and examples of shape {facts.input_shape}"
        )
    if facts.target_size is not None:
        return None, x, y.astype(np.float32).reshape(len(x), facts.target_size)
    names, labels = np.unique(y, return_inverse=True)
    return [str(name) for name in names], x, labels.astype(np.int32)
