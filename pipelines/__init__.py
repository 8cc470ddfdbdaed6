"""The pipelines, by the name that the command line gives them. Importing this is cheap."""

import inspect
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from tfmeta.errors import UserError

GROUP = "tfmeta.pipelines"  # of the entry points by which other distributions add theirs


@dataclass(frozen=True)
class Pipeline:
    """One name of `tfmeta train PIPELINE`.

    Attributes:
        home: `module:function` of the builder.
        summary: one line on what it holds.
    """

    home: str
    summary: str


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
    "optima": Pipeline(
        "tfmeta.pipelines.optima:build", "tasks with their best weights, from `tfmeta optima`"
    ),
}


def build(name: str, *, data_dir=None, options: dict | None = None):
    """The pipeline of that name.

    Args:
        name: one of `PIPELINES`, a name of the entry-point group `GROUP`, or
            `package.module:builder`.
        data_dir: where its data is, if it needs any.
        options: the pipeline's own, as in `--set pipeline.NAME=VALUE`.

    Returns:
        An `EpisodeSource`.

    Raises:
        UserError: if the name or an option is unknown, or the data is missing.
    """
    builder = _builder(name)
    known = [p for p in inspect.signature(builder).parameters if p != "data_dir"]
    for option in options or {}:
        if option not in known:
            raise UserError(
                f"pipeline {name} has no option {option!r}; it has: {', '.join(known) or 'none'}"
            )
    try:
        return builder(data_dir=data_dir, **(options or {}))
    except (TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"cannot build pipeline {name}: {error}") from error


def _builder(name):
    homes = {e.name: e for e in entry_points(group=GROUP)}
    homes |= {known: EntryPoint(known, p.home, GROUP) for known, p in PIPELINES.items()}
    home = homes.get(name) or (EntryPoint(name, name, GROUP) if ":" in name else None)
    if home is None:
        raise UserError(
            f"unknown pipeline {name!r}; expected one of: {', '.join(homes)}, "
            "or package.module:builder"
        )
    try:
        builder = home.load()
    except Exception as error:  # whatever a user's module does when it is imported
        raise UserError(f"cannot load pipeline {name!r} from {home.value}: {error}") from error
    if not callable(builder):
        raise UserError(
            f"cannot load pipeline {name!r}: {home.value} is a {type(builder).__name__}; "
            "expected a function"
        )
    return builder
