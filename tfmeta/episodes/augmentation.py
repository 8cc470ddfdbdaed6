"""Augmentation: Keras preprocessing layers that change the examples of training episodes.

    tfmeta train glyphs --set 'augment=["RandomFlip", {"RandomRotation": {"factor": 0.05}}]'

Each entry is a layer of `keras.layers` or a `package.module:Class`, by its name or as `{name:
{option: value}}`. Random numbers are drawn for each example, support and query alike. Those of
episode i depend only on (seed, i), as the episode itself does. So it is the same in a batch of any
size, in any process and after any resume.

CPU time of a 28x28 image, 32 tasks of 5 ways, 1 shot and 15 queries per batch: 2 us to draw it, 10
more for RandomFlip, 18 for GaussianNoise, 21 for RandomTranslation.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta.episodes.augmentation_layers import build_layer, call_layer, reason
from tfmeta.episodes.episode import Episode, PaddedEpisode
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.random_stream import RandomStream, drawn_by_python
from tfmeta.errors import UserError
from tfmeta.keras_internals import layers_of, replace_random_generators

_SEED_WORDS = 2  # words of a seed, as Keras passes it to TensorFlow's stateless operations
_TRIAL_TASKS, _TRIAL_EXAMPLES = 8, 4  # enough so that no layer passes a trial by chance

# RandAugment draws its operations once for the whole batch. Equalization, which RandAugment uses
# too, takes the histogram of the whole batch.
_ONE_BY_ONE = (keras.layers.RandAugment, keras.layers.Equalization)


class _EpisodeSeeds(keras.random.SeedGenerator):
    """Seeds that depend only on an episode's words and the number of the draw within the layer.

    Keras's own generators count their draws in a variable, so that each seed depends on all draws
    before it.
    """

    def __init__(self) -> None:
        super().__init__(seed=0)
        self._words, self._draws = None, 0

    def begin(self, words: tf.Tensor) -> None:
        """Sets the words, int32 `(2,)`, for the draws that follow while a graph is traced."""
        self._words, self._draws = words, 0

    def next(self, ordered: bool = True) -> Any:
        del ordered
        seed = self._words + tf.constant([0, self._draws])
        self._draws += 1
        return seed


class Augmentation:
    """Layers that are applied to examples of episodes, in their order; see `build_augmentation`.

    Args:
        layers: built layers that keep an example's shape; their seed generators are replaced.
        source: of the episodes. Its examples stay in the range that their format has.
        seed: of the run.
    """

    def __init__(self, layers: list[Any], source: EpisodeSource, *, seed: int):
        self._layers = layers
        self._range = source.input_format.value_range
        self._stream = RandomStream(seed, "augmentation", _SEED_WORDS * len(layers))
        self._seeds = _EpisodeSeeds()
        for part in (part for layer in layers for part in layers_of(layer)):
            replace_random_generators(part, self._seeds)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, episodes: Any, first: Any) -> Any:
        """Episodes with augmented examples, everything else unchanged; to be used in a graph.

        Args:
            episodes: an Episode or PaddedEpisode batch, float32 x `(tasks, examples, ...)`;
                padding stays zero.
            first: the number of the first episode.
        """
        x = tf.concat([episodes.support_x, episodes.query_x], 1)
        words = self._stream.integers(first, tf.shape(x)[0])[:, : _SEED_WORDS * len(self._layers)]
        words = tf.reshape(words, (-1, len(self._layers), _SEED_WORDS))
        # Task by task, because each tensor is drawn from one seed, and each episode has its own
        # seed.
        augmented = tf.map_fn(
            lambda task: self._task(*task),
            (x, words),
            fn_output_signature=tf.TensorSpec(x.shape[1:], x.dtype),
        )
        num_support = tf.shape(episodes.support_x)[1]
        support_x = tf.ensure_shape(augmented[:, :num_support], episodes.support_x.shape)
        query_x = tf.ensure_shape(augmented[:, num_support:], episodes.query_x.shape)
        if isinstance(episodes, PaddedEpisode):
            support_x = _cleared(support_x, episodes.support_size)
            query_x = _cleared(query_x, episodes.query_size)
        return episodes._replace(support_x=support_x, query_x=query_x)

    def _task(self, x: tf.Tensor, words: tf.Tensor) -> Any:
        """One task's examples `(examples, ...)`; words int32 `(layers, 2)`."""
        for layer, own in zip(self._layers, tf.unstack(words), strict=True):
            apply = self._one_by_one if isinstance(layer, _ONE_BY_ONE) else self._at_once
            x = tf.cast(apply(layer, x, own), x.dtype)
            # After each layer, because the next layer may misread values outside the range.
            x = tf.clip_by_value(x, *self._range) if self._range else x
        return x

    def _at_once(self, layer: keras.layers.Layer, x: tf.Tensor, words: tf.Tensor) -> Any:
        self._seeds.begin(words)
        return call_layer(layer, x)

    def _one_by_one(self, layer: keras.layers.Layer, x: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        def one(number: Any) -> Any:
            return self._at_once(layer, x[number, tf.newaxis], words + tf.stack([number, 0]))[0]

        spec = tf.TensorSpec(x.shape[1:], x.dtype)
        return tf.map_fn(one, tf.range(tf.shape(x)[0]), fn_output_signature=spec)


def build_augmentation(layers: list[Any], source: EpisodeSource, *, seed: int) -> Augmentation:
    """The augmentation of a run's training episodes.

    Args:
        layers: names, or `{name: {option: value}}`. A layer's `value_range` is [0, 1] by default.
        source: of the episodes.
        seed: of the run.

    Raises:
        UserError: if a layer is unknown, refuses its options or the source's examples, changes
            their shape, mixes them, has weights, or draws random numbers without its seed
            generators.
    """
    built = []
    for entry in layers:
        name, options = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
        layer = build_layer(name, options, source)
        _check_draws(name, Augmentation([layer], source, seed=seed), source.input_shape)
        built.append(layer)
    return Augmentation(built, source, seed=seed)


def _check_draws(name: str, augmentation: Augmentation, shape: tuple[int, ...]) -> None:
    """Checks that a layer repeats an episode exactly, and changes each example by itself."""
    x = np.random.default_rng(0).random((_TRIAL_TASKS, _TRIAL_EXAMPLES, *shape), np.float32)
    other = np.concatenate([1 - x[:, :1], x[:, 1:]], 1)
    before = drawn_by_python()
    try:
        all_tasks, again, changed = _tried(augmentation, [x, x, other], first=0)
        (later,) = _tried(augmentation, [x[1:]], first=1)
    except Exception as error:  # a layer may raise anything
        raise UserError(
            f"the layer {name} of augment fails in a graph: {reason(error)}. Leave it out"
        ) from error
    # Again too, because tasks that run at once may by chance have drawn in the same order.
    pairs = (all_tasks[1:], later), (all_tasks, again)
    is_repeated = all(np.array_equal(*pair, equal_nan=True) for pair in pairs)
    if not is_repeated or drawn_by_python() != before:
        raise UserError(
            f"the layer {name} of augment has draws or state that an episode's number does not "
            "decide, so that a resumed run would differ; expected every draw from a "
            "keras.random.SeedGenerator that is an attribute of the layer. Leave it out"
        )
    if not np.array_equal(all_tasks[:, 1:], changed[:, 1:], equal_nan=True):
        raise UserError(
            f"the layer {name} of augment mixes the examples of an episode, whose labels stay as "
            "they are; expected a layer that changes each by itself. Leave it out"
        )


def _tried(augmentation: Augmentation, batches: Any, *, first: Any) -> Any:
    """Each batch of examples, augmented in one graph as the episodes from number `first`."""

    def augment(x: tf.Tensor) -> tf.Tensor:
        parts = augmentation(Episode(x[:, :1], None, x[:, 1:], None), first)
        return tf.concat([parts.support_x, parts.query_x], 1)

    return list(
        tf.data.Dataset.from_tensor_slices(np.stack(batches)).map(augment).as_numpy_iterator()
    )


def _cleared(x: tf.Tensor, size: Any) -> tf.Tensor:
    """Examples with zeros after the first `size` `(tasks,)` examples of each task."""
    is_example = tf.sequence_mask(size, tf.shape(x)[1])
    as_x = (..., *[tf.newaxis] * (len(x.shape) - 2))
    return tf.where(is_example[as_x], x, tf.zeros_like(x))
