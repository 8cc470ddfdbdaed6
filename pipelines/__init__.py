"""The pipelines, by the name that the command line gives them. Importing this is cheap."""

import importlib
import inspect
from dataclasses import dataclass
from importlib.metadata import entry_points

from tfmeta.errors import UserError


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
}


def build(name: str, *, data_dir=None, options: dict | None = None):
    """The pipeline of that name.

    Args:
        name: one of `PIPELINES`, a name of the entry-point group `tfmeta.pipelines`, or
            `package.module:builder`.
        data_dir: where its data is, if it needs any.
        options: the pipeline's own, as in `--set pipeline.NAME=VALUE`.

    Returns:
        An `EpisodeSource`.

    Raises:
        UserError: if the name or an option is unknown, or the data is missing.
    """
    builder = _builder(name)
    parameters = inspect.signature(builder).parameters
    known = [p for p in parameters if p != "data_dir"]
    for option in options or {}:
        if option not in known:
            raise UserError(
                f"pipeline {name} has no option {option!r}; it has: {', '.join(known) or 'none'}"
            )
    return builder(data_dir=data_dir, **(options or {}))


def _builder(name):
    installed = {e.name: e.value for e in entry_points(group="tfmeta.pipelines")}
    homes = {**installed, **{known: p.home for known, p in PIPELINES.items()}}
    home = homes.get(name, name if ":" in name else None)
    if home is None:
        raise UserError(
            f"unknown pipeline {name!r}; expected one of: {', '.join(homes)}, "
            "or package.module:builder"
        )
    module, _, function = home.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise UserError(f"cannot load pipeline {name!r} from {home}: {error}") from error
