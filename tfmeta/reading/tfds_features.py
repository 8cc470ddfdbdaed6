"""Which features of a TFDS dataset are examples, labels and groups."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.named_code import refuse_code, trusts_files

_FEATURES = "tensorflow_datasets.core.features."  # before the names of TFDS's own classes
LABEL = "label"  # what TFDS calls it by convention


@dataclass(frozen=True)
class ChosenFeatures:
    """What `choose_features` returns.

    Attributes:
        image: name of the feature that examples are read from; it is an image or a vector.
        label: name of the feature that says the class of each example.
        group: name of the feature that says the group of each example; None if there are no groups.
        is_vector: whether `image` is a vector.
    """

    image: str
    label: str
    group: str | None
    is_vector: bool


def choose_features(
    name: str, features: Any, *, image: Any = None, label: Any = None, group: Any = None
) -> ChosenFeatures:
    """Chooses the features that are named, or else the only ones of their kind.

    Args:
        name: of the dataset, for messages.
        features: `{name: feature}`, the features of TFDS.
        image: name of an image, or of a vector of floats.
        label: name of a ClassLabel or an integer.
        group: name of a ClassLabel or an integer; None if there are no groups.

    Raises:
        UserError: if there is no such feature, or there are several and none is named.
    """
    import tensorflow_datasets as tfds

    images = [n for n, feature in features.items() if _is_image(feature)]
    vectors = [n for n, feature in features.items() if _is_vector(feature)]
    numbers = [n for n, feature in features.items() if _is_number(feature)]
    labels = [n for n in numbers if isinstance(features[n], tfds.features.ClassLabel)]

    def choose(option: str, named: Any, candidates: Any, likely: Any, kind: Any) -> Any:
        if named is not None and named not in candidates:
            raise UserError(
                f"received pipeline.{option}={named}; tfds:{name} has no such {kind}; it has: "
                f"{', '.join(candidates) or 'none'}"
            )
        if named is None and len(likely) != 1:
            other = "" if set(candidates) <= set(likely) else f" ({', '.join(candidates)})"
            named_so = f". Name it with --set pipeline.{option}=NAME" if candidates else ""
            raise UserError(
                f"tfds:{name} has {len(likely)} features that may be the {option}: "
                f"{', '.join(likely) or 'none'}; expected one {kind}{other}{named_so}"
            )
        return likely[0] if named is None else named

    image = choose("image", image, images + vectors, images or vectors, "image or vector of floats")
    kind = "ClassLabel or integer"
    label = choose("label", label, numbers, [LABEL] if LABEL in numbers else labels, kind)
    group = None if group is None else choose("group", group, numbers, [], kind)
    return ChosenFeatures(image, label, group, image in vectors)


@contextlib.contextmanager
def only_own_features(name: str, folder: Path) -> Iterator[None]:
    """Lets TFDS import only its own features in its body; a dataset's folder names their classes.

    Args:
        name: of the dataset.
        folder: the folder of TFDS, for messages.

    Raises:
        UserError: if other features are asked for, and the user does not trust them.
    """
    import tensorflow_datasets as tfds

    base = tfds.features.FeatureConnector
    original = vars(base)["cls_from_name"]

    def cls_from_name(cls: type[Any], class_name: Any) -> Any:
        if not str(class_name).startswith(_FEATURES) and not trusts_files():
            what = f"the feature {class_name!r} of tfds:{name}, which would be imported"
            raise refuse_code(what, folder or "the TFDS folder")
        return original.__func__(cls, class_name)

    base.cls_from_name = classmethod(cls_from_name)
    try:
        yield
    finally:
        base.cls_from_name = original


def _is_image(feature: Any) -> bool:
    import tensorflow_datasets as tfds

    is_image = isinstance(feature, tfds.features.Image)
    # The pixels of a LabeledImage are labels, and pixels that are floats have no known range.
    is_picture = is_image and not isinstance(feature, tfds.features.LabeledImage)
    return is_picture and feature.tf_dtype.is_integer


def _is_vector(feature: Any) -> bool:
    import tensorflow_datasets as tfds

    is_box = isinstance(feature, tfds.features.BBoxFeature)
    is_tensor = isinstance(feature, tfds.features.Tensor) and not is_box
    has_shape = is_tensor and len(feature.shape) == 1 and feature.shape[0] is not None
    return has_shape and feature.tf_dtype.is_floating


def _is_number(feature: Any) -> bool:
    import tensorflow_datasets as tfds

    is_scalar = isinstance(feature, tfds.features.Tensor) and feature.shape == ()
    return is_scalar and feature.tf_dtype.is_integer
