"""The source of a run's episodes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError, listed
from tfmeta.network_registry import suited_options
from tfmeta.pipelines import build, options_of
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings


def open_source(settings: Settings) -> EpisodeSource:
    """The pipeline's source of episodes; raises UserError if its data is missing or unreadable."""
    return build(
        settings.pipeline,
        data_dir=settings.data_dir,
        options=_options(settings),
        skip_unreadable=settings.skip_unreadable,
    )


def _options(settings: Settings) -> dict[str, Any]:
    suited = suited_to_network(settings.network, settings.pipeline)
    return {**suited, **settings.pipeline_options}


def suited_to_network(network: str, pipeline: str) -> dict[str, Any]:
    """The size of images that a pretrained network was trained at, or its tokenizer of texts.

    It is for a pipeline whose option is None by default: images of any sizes, of which the usual 84
    pixels of a side would lose most of what such a network sees, and texts.
    """
    taken, suited = options_of(pipeline), suited_options(network)
    return {option: value for option, value in suited.items() if taken.get(option, 0) is None}


def open_source_of_run(run: RunDirectory, settings: Settings) -> EpisodeSource:
    """The source that settings name, with the columns of a run's data in the run's order.

    Args:
        run: whose learner takes the examples.
        settings: the run's own, or with another pipeline or other data.

    Raises:
        UserError: as `open_source` and `check_taken_by`; or if a table has no such columns.
    """
    source = _in_order(run, settings)
    check_taken_by(run, source)
    return source


def check_taken_by(run: RunDirectory, source: EpisodeSource) -> None:
    """Raises UserError if a source has other targets or shapes of examples than a run."""
    taken, found = run.source_facts, source.facts
    if taken.target_kind != found.target_kind:
        raise UserError(
            f"{source.name} asks for {found.target_kind}; {run.path} was trained for "
            f"{taken.target_kind}"
        )
    if tuple(taken.input_shape) != tuple(found.input_shape):
        raise UserError(
            f"the examples of {source.name} have the shape {tuple(found.input_shape)}; {run.path} "
            f"was trained on {tuple(taken.input_shape)}, and takes no others"
        )


def _in_order(run: RunDirectory, settings: Settings) -> EpisodeSource:
    source, names = _opened(run, settings), run.source_facts.input_format.features
    found = source.input_format.features
    if found == names or not (found and names):
        return source
    is_chosen = "features" in settings.pipeline_options
    if not is_chosen and settings.pipeline == run.settings.pipeline:
        given = settings.pipeline_options
        options = {name: value for name, value in given.items() if name != "exclude"}
        options["features"] = list(names)
        return open_source(replace(settings, pipeline_options=options))
    if sorted(found) == sorted(names):
        raise UserError(
            f"the features of {source.name} come in the order {listed(found)}; {run.path} was "
            f"trained on the order {listed(names)}. Name them in that order with --set "
            "pipeline.features=A,B"
        )
    return source


def _opened(run: RunDirectory, settings: Settings) -> EpisodeSource:
    """As `open_source`; if the run's own data is gone, it says how to name another place."""
    try:
        return open_source(settings)
    except UserError as error:
        place = settings.data_dir
        if place is None or place != run.settings.data_dir or Path(place).exists():
            raise
        raise UserError(
            f"{error}. {run.path} was trained on {place}; if that was moved, say where to: "
            "--data-dir PATH, or data_dir=PATH in Python"
        ) from error


def source_key(run: RunDirectory, settings: Settings) -> str:
    """The same text for two runs whose sources, see `open_source_of_run`, are the same."""
    settings_of_source = [settings.pipeline, settings.data_dir, settings.skip_unreadable]
    facts = [*settings_of_source, _options(settings), list(run.source_facts.input_format.features)]
    return json.dumps(facts, sort_keys=True)


def with_ways(settings: Settings, source: EpisodeSource) -> Settings:
    """Settings with the default number of ways filled in."""
    return replace(settings, ways=settings.ways or source.target_kind.default_ways)
