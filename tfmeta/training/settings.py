"""Every setting of a run, flat, under the names of the command line."""

import time
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from tfmeta import network_registry, pipelines
from tfmeta.errors import UserError
from tfmeta.learners import find
from tfmeta.training.flat_settings import GROUPS

_OF_TPU = ("tpu", "tpu_zone", "tpu_project")
_FOR_TENSORBOARD = ("diagnosis_share", "profile_steps")
_IF_SET = ("query_other_group", "precision", "outer_clip_norm", *_OF_TPU, *_FOR_TENSORBOARD)
_KEYS = {"outer_learning_rate": "outer_lr"}  # where a key of config.json has another name here
BUDGET = ("steps", "max_minutes")  # how long a run trains
# What may change later:
_CHANGEABLE = (
    *(*BUDGET, "data_dir", "checkpoint_seconds", "strategy"),
    *(*_OF_TPU, *_FOR_TENSORBOARD),
)

_MOST = 2**31 - 1  # what TensorFlow counts with
_MOST_SEED = 2**32 - 1  # NumPy's
_LARGE = 1e30  # beyond any rate or time, and finite in float32


def _is_whole(value: Any, least: int = 1, most: int = _MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -_LARGE < value < _LARGE  # NaN is not


def is_list_of_layers(value: Any) -> bool:
    """Whether it is how `augment` names layers; that there are such is asked later."""
    if not isinstance(value, list):
        return False
    each = [next(iter(v)) if isinstance(v, dict) and len(v) == 1 else v for v in value]
    return all(isinstance(name, str) for name in each)


# Which settings, what they must be, in words and as a test. None stands for what the recipe or the
# pipeline says, where that is the default.
_CHECKS = (
    (
        "ways shots queries least_ways least_shots least_queries train_ways train_shots "
        "train_queries meta_batch log_every validate_every",
        f"a whole number from 1 up to {_MOST}",
        _is_whole,
    ),
    (
        "validation_tasks steps profile_steps",
        f"a whole number from 0 up to {_MOST}",
        lambda v: _is_whole(v, 0),
    ),
    ("seed", f"a whole number from 0 up to {_MOST_SEED}", lambda v: _is_whole(v, 0, _MOST_SEED)),
    (
        "outer_learning_rate outer_clip_norm max_minutes",
        "a positive number",
        lambda v: _is_number(v) and v > 0,
    ),
    ("checkpoint_seconds", "a number from 0 up", lambda v: _is_number(v) and v >= 0),
    ("diagnosis_share", "a number from 0 to 1", lambda v: _is_number(v) and 0 <= v <= 1),
    (
        "transductive within_group query_other_group unbalanced skip_small_classes skip_unreadable",
        "true or false",
        lambda v: isinstance(v, bool),
    ),
    (
        "precision",
        "'float32', 'mixed_bfloat16' or 'mixed_float16'",
        lambda v: v in ("float32", "mixed_bfloat16", "mixed_float16"),
    ),
    ("augment", "a list of Keras layers, by name or as {name: {option: value}}", is_list_of_layers),
    (
        "pipeline algorithm network train strategy data_dir tpu tpu_zone tpu_project",
        "a text",
        lambda v: isinstance(v, str),
    ),
    (
        "outer_optimizer",
        "'adam', 'sgd' or 'momentum'",
        lambda v: v in ("adam", "sgd", "momentum"),
    ),
    (
        "outer_schedule",
        "'cosine', 'linear' or 'constant'",
        lambda v: v in ("cosine", "linear", "constant"),
    ),
)


@dataclass(frozen=True)
class Settings:
    """A run's settings. None stands for "what the learner's recipe or the pipeline says".

    Attributes:
        pipeline: name or `package.module:builder`.
        algorithm: name of the learner.
        ways, shots, queries: of the task that the run is for, in validation and evaluation: classes
            per episode (1 for values), support and query examples per class. Where there is a least
            number, these are the most.
        least_ways, least_shots, least_queries: each episode draws its own number, from this one up.
        unbalanced: each class of an episode draws its own number of shots.
        train_ways, train_shots, train_queries: of a training episode; the learner's recipe may
            want more than the task has.
        within_group: draw an episode's classes from one group only.
        query_other_group: draw an episode's support set from one group, its queries from another.
        skip_small_classes: leave out classes with too few examples, instead of refusing the data.
        skip_unreadable: leave out files that can't be read, instead of refusing the data.
        augment: Keras preprocessing layers for training episodes; see
            `tfmeta/episodes/augmentation.py`.
        steps: outer-loop steps; 0 keeps the start as it is, and None with `max_minutes` means as
            many as there is time for.
        meta_batch: tasks per step.
        outer_learning_rate: the outer optimizer's rate at the start; its key is `outer_lr`.
        outer_optimizer: "adam", "sgd", or "momentum", which is "sgd" with a momentum of 0.9.
        outer_schedule: how the outer rate falls to zero, at the last step or the end of the time:
            "cosine" or "linear"; or "constant".
        outer_clip_norm: a meta-gradient that is longer is shortened to it; None shortens none.
        transductive: normalise queries with their own statistics.
        network: "auto", or what `tfmeta networks` lists.
        train: what of the network training changes: "all"; "head" or "none", with the network
            frozen and its features computed once per example; or names of layers, with commas.
        data_dir: where the pipeline's data is.
        seed: of the initial weights and of the episodes.
        strategy: how devices are used: "single", "mirrored", "multiworker", "tpu", or "auto".
        tpu: of the strategy "tpu": the TPU's name or address; by default this machine's own chips.
        tpu_zone, tpu_project: of Google Cloud, where the TPU is named.
        precision: Keras's policy for what training computes in: "float32", or "mixed_bfloat16" or
            "mixed_float16", whose weights are float32 too.
        max_minutes: training time in all; what a run used before it went on counts.
        log_every: steps per line of metrics; by default 500 where tasks are vectorised, else 20.
        validate_every: steps between validations; by default 25 times `log_every`, and in a shorter
            run about a twelfth of its steps, but at least 5 times `log_every`.
        validation_tasks: episodes per validation; 0 for no validation.
        checkpoint_seconds: the least time between checkpoints; a kill can cost as much training.
        diagnosis_share: for TensorBoard, the share of the training time in which the learner's
            adaptation is looked at after validations; 0 for never, 1 for each time.
        profile_steps: for TensorBoard, how many steps are profiled; 0 for none.
        pipeline_options, network_options, learner_options: options of the pipeline, the network
            and the learner.
    """

    pipeline: str = ""
    algorithm: str = "maml"
    ways: int | None = None
    shots: int = 1
    queries: int = 15
    train_ways: int | None = None
    train_shots: int | None = None
    train_queries: int | None = None
    least_ways: int | None = None
    least_shots: int | None = None
    least_queries: int | None = None
    unbalanced: bool = False
    within_group: bool = False
    query_other_group: bool = False
    skip_small_classes: bool = False
    skip_unreadable: bool = False
    augment: list[Any] = field(default_factory=list)
    steps: int | None = None
    meta_batch: int | None = None
    outer_learning_rate: float | None = None
    outer_optimizer: str | None = None
    outer_schedule: str | None = None
    outer_clip_norm: float | None = None
    transductive: bool = False
    network: str = "auto"
    train: str | None = None
    data_dir: str | None = None
    seed: int = 0
    strategy: str = "auto"
    precision: str = "float32"
    tpu: str | None = None
    tpu_zone: str | None = None
    tpu_project: str | None = None
    max_minutes: float | None = None
    log_every: int | None = None
    validate_every: int | None = None
    validation_tasks: int = 100
    checkpoint_seconds: float = 30.0
    diagnosis_share: float = 0.02
    profile_steps: int = 0
    pipeline_options: dict[str, Any] = field(default_factory=dict)
    network_options: dict[str, Any] = field(default_factory=dict)
    learner_options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for names, expected, is_right in _CHECKS:
            for name in names.split():
                value = getattr(self, name)
                may_be_none = self.__dataclass_fields__[name].default is None
                if not (may_be_none if value is None else is_right(value)):
                    raise UserError(f"received {_key(name)}={value!r}; expected {expected}")

    def default_run_dir(self) -> Path:
        """Where a run goes for which no place is named: `runs/PIPELINE-ALGORITHM-TIME`."""
        name = f"{self.pipeline.replace(':', '-')}-{self.algorithm}"
        return Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"

    def load_learner_class(self) -> type[Any]:
        """The class of the algorithm, which Keras then knows too. Imports TensorFlow.

        Raises:
            UserError: if there is no such algorithm, or its module cannot be imported.
        """
        return find(self.algorithm).load()

    def to_flat(self) -> dict[str, Any]:
        """`{"ways": 5, "learner.inner_steps": 1, ...}`, the content of config.json."""
        flat = {}
        for each in fields(self):
            group = each.name.removesuffix("_options")
            value = getattr(self, each.name)
            if each.name in _IF_SET and value == each.default:
                continue  # so that the file is as it was before the setting existed
            if group in GROUPS and each.name != group:
                flat.update({f"{group}.{key}": value[key] for key in sorted(value)})
            else:
                flat[_key(each.name)] = value
        return flat

    @classmethod
    def of_new_run(cls, flat: dict[str, Any]) -> "Settings":
        """What the user gave, with what suits the pipeline if they named none of it.

        Raises:
            UserError: as `updated`, or if the pipeline, algorithm or network is unknown.
        """
        settings = cls().updated(flat)
        if settings.pipeline:
            pipelines.check_known(settings.pipeline)
        find(settings.algorithm)
        network_registry.check_known(settings.network)
        pipeline = pipelines.pipeline_of(settings.pipeline)
        if pipeline is None:
            return settings
        own = {"algorithm": pipeline.algorithm}
        if not _chooses_learning(flat):
            own |= pipeline.learning
        own = {**pipeline.settings, **own}
        return settings.updated({key: value for key, value in own.items() if key not in flat})

    def updated(self, flat: dict[str, Any]) -> "Settings":
        """These settings with some replaced.

        Raises:
            UserError: if a key is unknown or a value makes no sense.
        """
        plain, own = {}, {group: dict(getattr(self, f"{group}_options")) for group in GROUPS}
        known = {_key(f.name): f.name for f in fields(self) if not f.name.endswith("_options")}
        for key, value in flat.items():
            group, dot, option = key.partition(".")
            if dot and group in own:
                own[group][option] = value
            elif key in known:
                plain[known[key]] = value
            else:
                groups = ", ".join(f"{g}.NAME" for g in GROUPS)
                raise UserError(
                    f"unknown setting {key!r}; expected one of: {', '.join(known)}, {groups}"
                )
        options: dict[str, Any] = {f"{group}_options": own[group] for group in GROUPS}
        return replace(self, **plain, **options)

    def resumed_with(self, flat: dict[str, Any]) -> "Settings":
        """A run's settings, with those that may change while it goes on.

        Raises:
            UserError: if `flat` changes any other.
        """
        changed = self.updated(flat)
        before, after = self.to_flat(), changed.to_flat()
        differ = [k for k in after if k not in _CHANGEABLE and before.get(k) != after[k]]
        if differ:
            key = differ[0]
            raise UserError(
                f"the run was started with {key}={before.get(key)!r}; received {after[key]!r}. "
                f"a run that goes on can change only {', '.join(_CHANGEABLE)}; start a new run for "
                "the rest"
            )
        return changed


def _chooses_learning(flat: dict[str, Any]) -> bool:
    """Whether a user has named what learns, how it is trained, or an option of these."""
    named = {key.partition(".")[0] for key in flat}
    return bool(named & {"algorithm", "network", "learner", "train", "augment"})


def _key(name: str) -> str:
    """The key of a setting in config.json, after `--set` and in messages."""
    return _KEYS.get(name, name)
