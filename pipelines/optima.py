"""Tasks with the weights that solve them, so that a learner can learn these weights.

    tfmeta optima runs/start --output sinusoid.optima
    tfmeta train optima --algorithm hypernetwork --shots 10 --set pipeline.file=sinusoid.optima

Only the training tasks come from the file. Validation and test tasks come from the pipeline that
the file was made from, so that a score is measured on tasks that were not solved before.
"""

import numpy as np
import tensorflow as tf

from tfmeta.episodes import optima_file
from tfmeta.episodes.episode import SolvedEpisode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.random_stream import RandomStream
from tfmeta.errors import UserError

_HELD_OUT = 0.1  # the last part of the file, which is not trained on
_SOLVED = ("train", "held-out")
_LEAST_SPREAD = 0.01  # of a weight's variance, as a share of the mean variance of all weights


class OptimaSource(EpisodeSource):
    """The solved tasks of a file for training, and another source's tasks for validation and test.

    A task's best weights were found with all its points, so that any of them may be its support
    set. Training draws them anew each time, as if there were more tasks. The split `held-out` has
    the last tenth of the file, each task once, with its points in the order of the file.

    Args:
        optima: the file's content, with two tasks or more.
        original: the source from which the tasks were drawn.
    """

    name = "optima"

    def __init__(self, optima: optima_file.Optima, original: EpisodeSource):
        self._original = original
        self.input_shape, self.input_format = original.input_shape, original.input_format
        self.target_size = original.target_size
        self.network, self.network_options = original.network, original.network_options
        scale = optima.provenance.get("target_scale", {})  # the weights' answers are in its unit
        self.learner_options = {name: v for name, v in scale.items() if v is not None}
        episodes = optima.episodes
        self._x = np.concatenate([episodes.support_x, episodes.query_x], 1)
        self._y = np.concatenate([episodes.support_y, episodes.query_y], 1)
        self._weights, self._provenance = optima.weights, optima.provenance
        num_tasks = len(self._x)
        self.num_train = num_tasks - max(1, round(_HELD_OUT * num_tasks))
        self.scales = _scales({n: w[: self.num_train] for n, w in optima.weights.items()})

    @property
    def num_held_out(self) -> int:
        return len(self._x) - self.num_train

    def check_learner(self, learner) -> None:
        optima_file.check_network(self._provenance, learner.function)

    def check(self, split: str, shape: EpisodeShape) -> None:
        if split not in _SOLVED:
            return self._original.check(split, shape)
        _, most = self.limits(split, shape)
        asked = shape.num_shots + shape.num_queries
        if shape.varies:
            raise UserError("the tasks of optima were solved in one size; leave ranges out")
        if shape.num_ways != 1 or shape.uses_groups:
            raise UserError("optima is a regression: leave --ways and --within-group out")
        if asked > most:
            raise UserError(
                f"received {shape.examples_in_words}; the file's "
                f"tasks have {most} points. Ask for fewer, or make a file with more: "
                f"tfmeta optima RUN_DIR --queries {asked} --output FILE"
            )

    def left_out(self, shapes: dict[str, EpisodeShape]) -> list[str]:
        return self._original.left_out({s: e for s, e in shapes.items() if s not in _SOLVED})

    def recorded_splits(self) -> dict[str, list[str]] | None:
        return self._original.recorded_splits()

    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        if split not in _SOLVED:
            return self._original.limits(split, shape)
        return 1, self._x.shape[1]

    def draw(self, split: str, shape: EpisodeShape, seed: int):
        if split not in _SOLVED:
            return self._original.draw(split, shape, seed)
        choose = self._any_order(seed) if split == "train" else self._file_order
        x, y, weights = tf.nest.map_structure(tf.constant, (self._x, self._y, self._weights))
        shots, end = shape.num_shots, shape.num_shots + shape.num_queries
        parts = slice(shots), slice(shots, end)

        def episodes(first, count):
            tasks, points = choose(first, count)
            own_x, own_y = (
                tf.gather(tf.gather(all_tasks, tasks), points[:, :end], batch_dims=1)
                for all_tasks in (x, y)
            )
            optimum = {name: tf.gather(values, tasks) for name, values in weights.items()}
            scales = {
                name: tf.fill(tf.shape(values), self.scales[name])
                for name, values in optimum.items()
            }
            split = [part for where in parts for part in (own_x[:, where], own_y[:, where])]
            return SolvedEpisode(*split, optimum, scales)

        return episodes

    def _any_order(self, seed):
        """A function `(first, count)` -> random tasks `(count,)` and points `(count, points)`."""
        num_points = self._x.shape[1]
        stream = RandomStream(seed, "optima", 1 + num_points)

        def choose(first, count):
            units = stream.units(first, count)
            # In float64: a float32 product could round up to num_train.
            tasks = tf.cast(tf.cast(units[:, 0], tf.float64) * self.num_train, tf.int32)
            return tasks, tf.argsort(units[:, 1 : 1 + num_points], stable=True)

        return choose

    def _file_order(self, first, count):
        numbers = tf.range(first, first + count) % self.num_held_out
        points = tf.range(self._x.shape[1])[tf.newaxis]
        return self.num_train + numbers, tf.repeat(points, count, 0)


def _scales(weights):
    """How much a weight's best values differ between tasks, as RMS of its elements: `{name: ()}`.

    It is one number per weight and not per element: an element that no task changes would then
    count as much as one that matters.
    """
    squares = {n: np.mean(values.var(0, dtype=np.float64)) for n, values in weights.items()}
    # Without this, the error of a weight that hardly changes would be divided by nearly zero.
    least = _LEAST_SPREAD * np.mean(list(squares.values())) or 1.0
    return {n: np.float32(np.sqrt(max(square, least))) for n, square in squares.items()}


def build(*, data_dir=None, file=None) -> OptimaSource:
    """The pipeline.

    Args:
        data_dir: where the data of the original pipeline is; None for what the file says.
        file: a file that `tfmeta optima` wrote.

    Raises:
        UserError: if the file is missing, damaged or too small, or the original pipeline can't be
            built.
    """
    if file is None:
        raise UserError(
            "the pipeline optima needs its file: --set pipeline.file=FILE, made by "
            "`tfmeta optima RUN_DIR --output FILE`"
        )
    from tfmeta.pipelines import build as build_source

    optima = optima_file.read(file)
    made_from = optima.provenance
    if made_from["num_tasks"] < 2:
        raise UserError(f"{file} holds one task; expected 2 or more, as one is held out")
    original = build_source(
        made_from["pipeline"],
        data_dir=data_dir or made_from["data_dir"],
        options=made_from["pipeline_options"],
    )
    return OptimaSource(optima, original)
