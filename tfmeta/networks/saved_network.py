"""A network from a `.keras` file, as Keras saved it."""

import os
from typing import Any

import keras
from keras import layers

from tfmeta.errors import UserError, described
from tfmeta.keras_files import load_model
from tfmeta.networks.image_input import with_head


def saved_network(
    path: str | os.PathLike[str],
    input_shape: tuple[int, ...] | None = None,
    num_outputs: int | None = None,
    *,
    layer: str | None = None,
) -> keras.Model:
    """The network of a `.keras` file, with its weights; a dense head is added if one is asked for.

    The file is read as any of a stranger's: only layers of Keras's and tfmeta's are built, unless
    the user says `--trust`.

    Args:
        path: of the file that `model.save()` made.
        input_shape: of an example, which must be what the network takes; None for any.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with what the saved one answers.
        layer: the layer whose output is the features, where the saved network goes on beyond it:
            its own classifier, for example. None: the last.

    Returns:
        A model `(batch, *input_shape) -> (batch, num_outputs)`, or the features.

    Raises:
        UserError: if the file can't be read or holds no such network.
    """
    network = _loaded(path)
    if layer is not None:
        network = _up_to(network, layer, path)
    taken = getattr(network, "input_shape", None)
    if input_shape is not None and not _fits(taken, input_shape):
        raise UserError(
            f"the network in {path} takes examples of shape {_of_one(taken)}, and the data has "
            f"{tuple(input_shape)}; expected the same. Save a network for the data, or bring the "
            "data to that shape"
        )
    if num_outputs is None:
        return network
    return keras.Model(network.inputs[0], with_head(network.outputs[0], num_outputs))


def _loaded(path: str | os.PathLike[str]) -> keras.Model:
    try:
        network = load_model(path)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"cannot read the network in {path}: {described(error)}") from error
    except Exception as error:  # whatever Keras raises of a damaged file
        raise UserError(
            f"{path} cannot be loaded ({described(error)}); expected what model.save() made"
        ) from error
    if getattr(network, "inputs", None) is None or len(network.inputs) != 1:
        raise UserError(
            f"{path} holds a {type(network).__name__} without one keras.Input; expected a "
            "functional or sequential network of one input"
        )
    return network


def _up_to(network: keras.Model, layer: str, path: str | os.PathLike[str]) -> keras.Model:
    names = [each.name for each in network.layers if not isinstance(each, layers.InputLayer)]
    if layer not in names:
        raise UserError(
            f"the network in {path} has no layer {layer!r}; expected one of: {', '.join(names)}"
        )
    return keras.Model(network.inputs[0], network.get_layer(layer).output)


def _fits(taken: Any, input_shape: tuple[int, ...]) -> bool:
    """Whether a network of this input takes such examples; an open dimension takes any."""
    one = _of_one(taken)
    pairs = zip(one, input_shape, strict=False)
    return len(one) == len(input_shape) and all(a in (None, b) for a, b in pairs)


def _of_one(taken: Any) -> tuple[int | None, ...]:
    shape = taken[0] if isinstance(taken, list) else taken
    return tuple(shape[1:])
