"""The work that the benchmarks of training time: tasks, networks and learners, the same for all.

A and B are second-order MAML on Omniglot-sized tasks, C is the sinusoid, D has the sizes of
miniImageNet. The others are other learners on the tasks of A or B. The images are noise around a
pattern per class: what is timed does not depend on what they show, and nothing is downloaded.
"""

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Case:
    """One kind of work.

    Attributes:
        about: the work in words.
        learner: its name in `tfmeta`.
        options: of the learner.
        size: `(height, width, channels)` of an image; `(1,)` for the sinusoid.
        tasks, ways, shots, queries: per step; per task; per class; per class.
        network: options of conv4, or of mlp for the sinusoid.
        embeds: whether the network ends with features.
    """

    about: str
    learner: str = "MAML"
    options: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, ...] = (28, 28, 1)
    tasks: int = 32
    ways: int = 5
    shots: int = 1
    queries: int = 1
    network: dict[str, Any] = field(default_factory=lambda: {"features": "mean"})
    embeds: bool = False

    @property
    def is_sinusoid(self) -> bool:
        return len(self.size) == 1

    def make_network(self) -> Any:
        """The Keras network, with weights from Keras's seed."""
        from tfmeta import networks

        if self.is_sinusoid:
            return networks.mlp(self.size, 1, **self.network)
        return networks.conv4(self.size, None if self.embeds else self.ways, **self.network)

    def make_learner(self, **options: Any) -> Any:
        """The learner, not compiled."""
        import tfmeta

        return getattr(tfmeta, self.learner)(self.make_network(), **{**self.options, **options})

    def source(self) -> Any:
        """A source of such episodes: Omniglot's number of classes, or fewer of large images."""
        import numpy as np

        from tfmeta.episodes.class_index import ClassIndex
        from tfmeta.episodes.class_source import ClassSource
        from tfmeta.pipelines.sinusoid import Sinusoid
        from tfmeta.reading.image_format import ImageFormat

        if self.is_sinusoid:
            return Sinusoid()
        rng = np.random.default_rng(0)
        num_classes = 1100 if self.size[0] < 40 else 64
        patterns = rng.integers(0, 200, (num_classes, 1, *self.size), dtype=np.uint8)
        noise = rng.integers(0, 56, (20, *self.size), dtype=np.uint8)
        images = np.concatenate(list(patterns + noise))
        classes = np.arange(num_classes)
        index = ClassIndex(
            images, np.repeat(classes, 20), {"train": classes}, tuple(map(str, classes))
        )
        height, width, channels = self.size
        return ClassSource("noise", index, input_format=ImageFormat(height, width, channels))

    def episodes(self) -> Any:
        """An endless dataset of batches of `tasks` episodes, always the same."""
        from tfmeta.episodes.episode_shape import EpisodeShape

        ways = 1 if self.is_sinusoid else self.ways
        shape = EpisodeShape(ways, self.shots, self.queries)
        return self.source().episodes("train", shape, num_tasks=self.tasks)


_A = Case(
    "MAML, 5-way 1-shot, 1 query, 1 inner step",
    options={"inner_steps": 1, "inner_learning_rate": 0.4},
)
_B = replace(
    _A,
    about="MAML, 5-way 1-shot, 15 queries, 5 inner steps",
    tasks=16,
    queries=15,
    options={"inner_steps": 5, "inner_learning_rate": 0.4},
)
_EMBEDS = {"options": {}, "embeds": True, "network": {}}

CASES = {
    "A": _A,
    "B": _B,
    "C": Case(
        "MAML, sinusoid, 10-shot, 10 queries, 1 inner step",
        options={"inner_steps": 1, "inner_learning_rate": 0.01},
        size=(1,),
        tasks=25,
        ways=1,
        shots=10,
        queries=10,
        network={"units": (40, 40)},
    ),
    "D": Case(
        "MAML, 84x84x3, 32 filters, 5-way 5-shot, 15 queries, 5 inner steps",
        options={"inner_steps": 5, "inner_learning_rate": 0.01},
        size=(84, 84, 3),
        tasks=4,
        shots=5,
        queries=15,
        network={"filters": 32, "downsampling": "pool"},
    ),
    "first-order": replace(
        _B, about="first-order MAML on the tasks of B", options={**_B.options, "first_order": True}
    ),
    "reptile": replace(
        _B,
        about="Reptile, 5-way 10-shot, 5 inner steps",
        learner="Reptile",
        shots=10,
        options={"inner_steps": 5, "inner_learning_rate": 1e-3},
    ),
    "prototypical": replace(
        _B,
        about="Prototypical, 60-way 1-shot, 5 queries",
        learner="Prototypical",
        tasks=1,
        ways=60,
        queries=5,
        **_EMBEDS,
    ),
    "ridge": replace(
        _B, about="Ridge, 5-way 5-shot, 15 queries", learner="Ridge", shots=5, **_EMBEDS
    ),
    "hypernetwork": replace(
        _B, about="hypernetwork, 5-way 1-shot, 15 queries", learner="HyperNetwork", **_EMBEDS
    ),
}
