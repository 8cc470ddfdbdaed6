"""Fixed test episodes in a file: the same on any machine, with the data or without.

    tfmeta episodes omniglot --tasks 600 --output omniglot.episodes
    tfmeta evaluate runs/NAME --episodes omniglot.episodes

The file is an NPZ archive that any program with NumPy can read. `examples` has each example once
(uint8 pixels as `ImageFormat` makes them, or float32). `support` and `query` are the numbers of
each episode's examples, `support_y` and `query_y` are those of `Episode`, and `protocol` is JSON.
If episodes differ in size, they are padded as in `PaddedEpisode`, with `support_size` and
`query_size`.
"""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta import files, strict_json
from tfmeta.episodes.episode import Episode, PaddedEpisode, without_solution
from tfmeta.episodes.episode_hash import EpisodeHash
from tfmeta.episodes.episode_shape import EpisodeShape, in_words
from tfmeta.episodes.episode_source import EpisodeSource, even_batch
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.episodes.source_facts import SourceFacts
from tfmeta.errors import UserError
from tfmeta.reading.images import to_unit
from tfmeta.reading.input_format import InputFormat
from tfmeta.reading.npz_files import DAMAGED as DAMAGED_NPZ
from tfmeta.reading.npz_files import read_npz
from tfmeta.user_files import AnyPath

FORMAT = "tfmeta episodes 1"
_TASKS_A_DRAW = 50
# What is raised for a file that is cut short, is of another kind, or has wrong numbers.
_DAMAGED = (*DAMAGED_NPZ, IndexError, tf.errors.OpError)
_MOST_NUMBERS = 2**28  # in an episode's examples, 1 GiB; 1,000 photographs have less


class EpisodeFile(EpisodeSource):
    """The episodes of a file, in their order; see `read`.

    Attributes:
        shape: of the episodes.
        split, seed: with which they were drawn.
        num_tasks: number of episodes.
        sha256: digest of the episodes, as an evaluation reports it.
        classes: names of the split's classes (tasks); None for an endless family.
    """

    num_tasks: int

    def __init__(self, arrays: dict[str, Any], protocol: dict[str, Any]):
        facts = SourceFacts.from_dict(protocol["source"])
        self.name, self.input_shape = facts.name, facts.input_shape
        self.input_format, self.target_size = facts.input_format, facts.target_size
        self.shape = EpisodeShape.from_dict(protocol["shape"])
        self.split, self.seed = protocol["split"], protocol["seed"]
        self.num_tasks, self.sha256 = len(arrays["support"]), protocol["episodes_sha256"]
        self.classes, self._options = protocol["classes"], protocol["pinned_options"]
        self._arrays = arrays

    @classmethod
    def read(cls, path: AnyPath) -> "EpisodeFile":
        """Opens a file that `write_episodes` made.

        Raises:
            UserError: if it is no such file, or is damaged.
        """
        try:
            arrays = read_npz(path)
            protocol = strict_json.loads(str(arrays.pop("protocol")))
            if protocol["format"] != FORMAT:
                raise UserError(
                    f"{path} is of the format {protocol['format']!r}; expected {FORMAT!r}"
                )
            source = cls(arrays, protocol)
            received = source._hash()
        except UserError:
            raise
        except _DAMAGED as error:
            raise UserError(
                f"{path} can't be read as a file of episodes ({error}); expected one that "
                "`tfmeta episodes` wrote, whole"
            ) from error
        if received != source.sha256:
            raise UserError(
                f"{path} is damaged: its episodes' SHA-256 is {received}; expected "
                f"{source.sha256}. Copy it anew"
            )
        return source

    def _hash(self) -> Any:
        digest, arrays = EpisodeHash(), self._arrays
        examples = arrays["support"].shape[1] + arrays["query"].shape[1]
        numbers = examples * math.prod(arrays["examples"].shape[1:])
        if numbers > _MOST_NUMBERS:
            raise ValueError(f"an episode has {numbers} numbers; expected {_MOST_NUMBERS} at most")
        draw = max(1, min(_TASKS_A_DRAW, _MOST_NUMBERS // max(1, numbers)))
        for first in range(0, self.num_tasks, draw):
            digest.update(self._at(np.arange(first, min(first + draw, self.num_tasks))))
        return digest.hexdigest()

    def check_options(self, options: dict[str, Any]) -> None:
        """Raises UserError if the file's pinned options differ from those of a run.

        The shape of an example does not show the ids of words, or whether ink is dark or bright.

        Args:
            options: of the run's pipeline.
        """
        differ = [k for k, v in self._options.items() if options.get(k, v) != v]
        if differ:
            raise UserError(
                f"the file's episodes were drawn with another pipeline.{differ[0]} than the run's; "
                "draw them with the run's: tfmeta episodes PIPELINE --like RUN_DIR --output FILE"
            )

    def check(self, split: str, shape: EpisodeShape) -> None:
        if (split, shape) != (self.split, self.shape):
            raise self._has_others()

    def _has_others(self) -> UserError:
        size = in_words(self.shape.protocol(), kind=self.target_kind)
        return UserError(f"the file has {size} episodes of the {self.split} split alone")

    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        if split != self.split:
            raise self._has_others()
        return self.shape.num_ways, self.shape.num_shots + self.shape.num_queries

    def draw(self, split: str, shape: EpisodeShape, seed: int) -> Callable[..., Any]:
        def episodes(first: Any, count: Any) -> Any:
            return self._at(
                tf.math.floormod(tf.cast(first, tf.int32) + tf.range(count), self.num_tasks)
            )

        return episodes

    def _at(self, tasks: Any) -> Any:
        """The episodes with these numbers."""
        arrays = {name: tf.gather(self._arrays[name], tasks) for name in _names(self._arrays)}
        for part in ("support", "query"):
            examples = tf.gather(self._arrays["examples"], arrays.pop(part))
            arrays[f"{part}_x"] = to_unit(examples)
        return (PaddedEpisode if "support_size" in arrays else Episode)(**arrays)


def _names(arrays: Any) -> list[Any]:
    return [name for name in arrays if name != "examples"]


def write_episodes(
    path: AnyPath,
    episodes: FixedEpisodes,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Draws episodes and stores them, whole or not at all.

    Args:
        path: of the file; it must not exist.
        episodes: which ones.
        on_progress: called with the number of tasks done so far.

    Returns:
        The protocol, as it is in the file.

    Raises:
        UserError: if there is something at `path`, or there are no such episodes.
    """
    files.check_free(path)
    with files.locked(path):
        files.check_free(path)  # another process may have written it by now
        columns, protocol = _drawn(episodes, on_progress)
        # np.savez appends .npz to a name, but not to an open file.
        with files.whole(path) as partial, open(partial, "wb") as file:
            np.savez_compressed(file, **columns)
    return protocol


def _drawn(
    fixed: FixedEpisodes, on_progress: Callable[[int], None] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The file's arrays, and its protocol."""
    source, num_tasks = fixed.source, fixed.num_tasks
    digest, pool, parts = EpisodeHash(), _Pool(source.input_format), []
    batch = even_batch(num_tasks, _TASKS_A_DRAW)
    dataset = source.episodes(fixed.split, fixed.shape, seed=fixed.seed, num_tasks=batch)
    for episodes in map(without_solution, dataset.take(num_tasks // batch)):
        digest.update(episodes)
        arrays = {name: each.numpy() for name, each in episodes._asdict().items()}
        for part in ("support", "query"):
            arrays[part] = pool.numbers(arrays.pop(f"{part}_x"))
        parts.append(arrays)
        if on_progress:
            on_progress(len(parts) * batch)
    protocol = {
        "format": FORMAT,
        "source": source.facts.to_dict(),
        "shape": fixed.shape.to_dict(),
        "split": fixed.split,
        "seed": fixed.seed,
        "classes": (source.recorded_splits() or {}).get(fixed.split),
        "pinned_options": dict(source.pinned_options),
        "num_tasks": num_tasks,
        "episodes_sha256": digest.hexdigest(),
    }
    columns: dict[str, Any] = {
        name: np.concatenate([arrays[name] for arrays in parts]) for name in parts[0]
    }
    columns |= {"examples": pool.examples(), "protocol": json.dumps(protocol)}
    return columns, protocol


class _Pool:
    """Gives examples numbers; equal examples get the same number."""

    def __init__(self, input_format: InputFormat):
        self._format = input_format
        self._number_of: dict[bytes, int] = {}
        self._examples: list[np.ndarray] = []

    def numbers(self, x: Any) -> np.ndarray:
        """Examples `(tasks, examples, ...)` -> their numbers, int32 `(tasks, examples)`."""
        x = self._format.compact(x)
        flat = x.reshape(-1, *x.shape[2:])
        return np.array([self._number(each) for each in flat], np.int32).reshape(x.shape[:2])

    def _number(self, example: np.ndarray) -> int:
        number = self._number_of.setdefault(example.tobytes(), len(self._examples))
        if number == len(self._examples):
            self._examples.append(example)
        return number

    def examples(self) -> np.ndarray:
        return np.stack(self._examples)
