"""Which part of a network training changes: the setting `train`."""

from collections.abc import Callable
from typing import Any

import keras

from tfmeta.errors import UserError, listed
from tfmeta.keras_internals import layers_of
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.on_features import OnFeatures
from tfmeta.networks.feature_map import feature_map

ALL, HEAD, NONE = "all", "head", "none"
_ON_FEATURES = (HEAD, NONE)


def is_on_features(train: str | None) -> bool:
    """Whether the network is frozen whole, so that its features are computed once per example."""
    return train in _ON_FEATURES


def built_learner(
    make_learner: Callable[[keras.Model], MetaLearner],
    network: keras.Model,
    *,
    train: str | None,
    num_outputs: int | None,
) -> MetaLearner:
    """The learner on a network, of which training changes a part.

    Args:
        make_learner: a network -> the learner on it.
        network: as its function made it; without a head if `is_on_features(train)`.
        train: "all"; "head", a map of the frozen network's features; "none" of it, so that only
            what the learner itself learns is left; or names of layers, with commas. None is "all".
        num_outputs: of the head that the learner needs; None if it needs none.

    Raises:
        UserError: if there is no such layer, or the learner needs a head and `train` is "none".
    """
    if train in (None, ALL):
        return make_learner(network)
    if not is_on_features(train):
        _thaw_only(network, train.split(","))
        return make_learner(network)
    if num_outputs is not None and train == NONE:
        raise UserError(
            "received train='none' for a learner that adapts a head; expected train='head' "
            "(--train head), or a learner without one, such as --algorithm ridge or prototypical"
        )
    features = tuple(network.output_shape[1:])
    if len(features) != 1:
        raise UserError(
            f"received train={train!r} for the network {network.name!r}, whose output for an "
            f"example has the shape {features}; expected one that makes a vector of features"
        )
    head = feature_map(features, num_outputs, trained=train == HEAD)
    return OnFeatures(network, make_learner(head))


def _thaw_only(network: keras.Model, names: Any) -> None:
    layers = [layer for layer in layers_of(network) if layer is not network]
    known = {layer.name for layer in layers if layer.variables}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f"received train={unknown[0]!r}; expected all, head, none or names of layers of the "
            f"network {network.name!r}: {listed(sorted(known))}"
        )
    for layer in layers:
        if not getattr(layer, "layers", None):  # a layer that holds others is as they are
            layer.trainable = False
    for layer in layers:
        if layer.name in names:
            layer.trainable = True
