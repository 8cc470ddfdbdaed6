"""The pipelines, by the name that the command line gives them. Importing this is cheap."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from tfmeta.builder_options import options_in_source
from tfmeta.errors import UserError, unknown
from tfmeta.named_code import check_said, why_not_imported
from tfmeta.network_registry import NETWORKS
from tfmeta.user_files import AnyPath

if TYPE_CHECKING:
    from tfmeta.episodes.episode_source import EpisodeSource

_GIVEN = ("data_dir", "skip_unreadable", "name")  # arguments of a builder that are no options
GROUP = "tfmeta.pipelines"  # the entry points by which other distributions add pipelines


@dataclass(frozen=True)
class Pipeline:
    """One name of `tfmeta train PIPELINE`.

    Attributes:
        home: `module:function`, the builder of the source.
        summary: one line that says what the pipeline reads.
        algorithm: what learns from it if the user names no algorithm.
        settings: defaults of its own, whatever learns from it.
        from_scratch: more settings for a user who chooses nothing of how it is learned.
        pretrained: settings in place of these for a user who chooses nothing of how it is learned:
            the first ones whose `network` has its weights installed.
        holds_classes: whether a folder in the data's folder is a class: no run may be in it.
    """

    home: str
    summary: str
    algorithm: str = "maml"
    settings: Mapping[str, Any] = field(default_factory=dict)
    from_scratch: Mapping[str, Any] = field(default_factory=dict)
    pretrained: Sequence[Mapping[str, Any]] = ()
    holds_classes: bool = False

    @property
    def learning(self) -> Mapping[str, Any]:
        """The settings for a user who chooses nothing of how it is learned."""
        installed = (each for each in self.pretrained if NETWORKS[each["network"]].is_installed)
        return next(installed, self.from_scratch)


MAP_OF_FEATURES = {
    "algorithm": "ridge",
    "train": "head",
    "steps": 300,
    "outer_lr": 0.0001,  # the map begins in closed form, which large steps only spoil
    "validation_tasks": 300,
}
PHOTOGRAPHS = {
    **MAP_OF_FEATURES,
    "network": "efficientnet_lite2",
    "network.pixels": 0.5,  # for drawings, whose pixels tell more than photographs' features
}
_TEXTS = tuple({**MAP_OF_FEATURES, "network": name} for name in ("multilingual_e5", "minilm"))


PIPELINES = {
    "sinusoid": Pipeline(
        "tfmeta.pipelines.sinusoid:build", "regression: sine waves of random amplitude and phase"
    ),
    "glyphs": Pipeline(
        "tfmeta.pipelines.glyphs:build", "480 invented characters, drawn in seconds; no download"
    ),
    "omniglot": Pipeline(
        "tfmeta.pipelines.omniglot:build", "1,623 handwritten characters, from a TFDS folder"
    ),
    "image-folder": Pipeline(
        "tfmeta.pipelines.image_folder:build",
        "your own images: a folder with one folder per class",
        pretrained=(PHOTOGRAPHS,),
        holds_classes=True,
    ),
    "audio-folder": Pipeline(
        "tfmeta.pipelines.audio_folder:build",
        "your own sounds: a folder with one folder per class",
        algorithm="prototypical",
        pretrained=({**MAP_OF_FEATURES, "network": "speech_embedding"},),
        holds_classes=True,
    ),
    "arrays": Pipeline(
        "tfmeta.pipelines.arrays:build",
        "your own vectors or images in arrays: NPZ, CSV, Parquet",
        algorithm="ridge",
    ),
    "text": Pipeline(
        "tfmeta.pipelines.text:build",
        "your own texts and labels: CSV, JSON lines, Parquet or folders",
        algorithm="ridge",
        from_scratch={"steps": 800, "outer_lr": 0.001},  # few classes are soon learned by heart
        pretrained=_TEXTS,
    ),
    "regression": Pipeline(
        "tfmeta.pipelines.regression:build",
        "your own small regressions: CSV with a task column",
        algorithm="bayes-linear",
    ),
    "transitions": Pipeline(
        "tfmeta.pipelines.transitions:build",
        "logged trajectories of a robot: NPZ, CSV, Parquet",
    ),
    "mini-imagenet": Pipeline(
        "tfmeta.pipelines.mini_imagenet:build",
        "100 classes of photographs, from a folder you have",
        pretrained=(PHOTOGRAPHS,),
    ),
    "cifar-fs": Pipeline(
        "tfmeta.pipelines.cifar_fs:build",
        "CIFAR-100 in few shots, from a folder you have",
        pretrained=(PHOTOGRAPHS,),
    ),
    "optima": Pipeline(
        "tfmeta.pipelines.optima:build", "tasks with their best weights, from `tfmeta optima`"
    ),
}

# By what comes before the name of a dataset or an environment, with which the builder is called.
PREFIXED = {
    "tfds:": Pipeline(
        "tfmeta.pipelines.tfds:build",
        "any dataset of TFDS with images or vectors and a label, once prepared",
        algorithm="ridge",
    ),
    "gym:": Pipeline(
        "tfmeta.pipelines.gym:build",
        "control: environments of Gymnasium, in which a policy learns by reinforcement",
        settings={
            **dict.fromkeys(("shots", "queries", "train_shots", "train_queries"), 20),
            "meta_batch": 20,
            "steps": 500,
            "validation_tasks": 40,
            "outer_lr": 0.003,
            "learner.inner_steps": 1,
            "learner.inner_learning_rate": 0.1,
        },
    ),
}


def pipeline_of(name: str) -> Pipeline | None:
    """The pipeline of ours that a name stands for; None if it is another one."""
    prefixed = (pipeline for prefix, pipeline in PREFIXED.items() if name.startswith(prefix))
    return PIPELINES.get(name) or next(prefixed, None)


def build(
    name: str,
    *,
    data_dir: AnyPath | None = None,
    options: Mapping[str, Any] | None = None,
    skip_unreadable: bool = False,
) -> "EpisodeSource":
    """The source of episodes of a pipeline.

    Args:
        name: one of `PIPELINES`, a name of the entry-point group `GROUP`, or
            `package.module:builder`.
        data_dir: where the data is, if the pipeline needs data.
        options: the pipeline's own options, as in `--set pipeline.NAME=VALUE`.
        skip_unreadable: leave out files that can't be read, if the pipeline reads files.

    Raises:
        UserError: if the name or an option is unknown, or the data is missing.
    """
    builder, known = _builder(name), options_of(name)
    for option in options or {}:
        if option not in known:
            raise UserError(
                f"pipeline {name} has no option {option!r}; it has: {', '.join(known) or 'none'}"
            )
    taken = inspect.signature(builder).parameters
    given: dict[str, Any] = dict(options or {})
    if "data_dir" in taken or any(each.kind == each.VAR_KEYWORD for each in taken.values()):
        given["data_dir"] = data_dir
    else:
        refuse_data(name, data_dir)
    if skip_unreadable and "skip_unreadable" in taken:
        given["skip_unreadable"] = True
    try:
        return builder(**given)
    except (TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"cannot build pipeline {name}: {error}") from error


def refuse_data(name: str, data_dir: AnyPath | None) -> None:
    """Raises UserError if a pipeline that reads no data is told where they are."""
    if data_dir is not None:
        raise UserError(
            f"received a data_dir, {str(data_dir)!r}; {name} has no data to read. Leave it out"
        )


def listing() -> dict[str, dict[str, Any]]:
    """All installed pipelines, `{name: {"summary": ..., "options": {option: default}}}`."""
    homes = {name: (pipeline.home, pipeline.summary) for name, pipeline in PIPELINES.items()}
    homes |= {f"{prefix}NAME": (each.home, each.summary) for prefix, each in PREFIXED.items()}
    for each in entry_points(group=GROUP):
        homes.setdefault(each.name, (each.value, f"from another package: {each.value}"))
    return {
        name: {"summary": summary, "options": options_in_source(home, _GIVEN)}
        for name, (home, summary) in homes.items()
    }


def options_of(name: str) -> dict[str, Any]:
    """The options of `--set pipeline.OPTION=VALUE`, `{option: default}`.

    Raises:
        UserError: if the name is unknown.
    """
    parameters = inspect.signature(_builder(name)).parameters.values()
    own = [p for p in parameters if p.name not in _GIVEN and p.kind != p.VAR_KEYWORD]
    return {p.name: None if p.default is p.empty else p.default for p in own}


def check_known(name: str) -> None:
    """Raises UserError if no pipeline can have this name. Imports no pipeline."""
    if ":" not in name and name not in PIPELINES:
        homes = [each.name for each in entry_points(group=GROUP)]
        if name not in homes:
            raise UserError(
                f"{unknown('pipeline', name, PIPELINES)}; expected one of: "
                f"{', '.join([*homes, *PIPELINES])}, or package.module:builder"
            )


def _builder(name: str) -> Callable[..., "EpisodeSource"]:
    check_known(name)
    for prefix, pipeline in PREFIXED.items():
        if name.startswith(prefix):
            if ":" in name.removeprefix(prefix):  # it names a module, and may come from a file
                check_said(name, "pipeline")
            builder = EntryPoint(name, pipeline.home, GROUP).load()
            return partial(builder, name=name.removeprefix(prefix))
    homes = {e.name: e for e in entry_points(group=GROUP)}
    homes |= {known: EntryPoint(known, p.home, GROUP) for known, p in PIPELINES.items()}
    if name not in homes:
        check_said(name, "pipeline")  # it may come from a file
        homes[name] = EntryPoint(name, name, GROUP)
    home = homes[name]
    try:
        builder = home.load()
    except Exception as error:  # a user's module may raise anything when it is imported
        why = why_not_imported(home.value, error)
        raise UserError(f"cannot load pipeline {name!r} from {home.value} ({why})") from error
    if not callable(builder):
        raise UserError(
            f"cannot load pipeline {name!r}: {home.value} is a {type(builder).__name__}; "
            "expected a function"
        )
    return builder
