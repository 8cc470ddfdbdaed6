"""Settings as given -> settings with every default filled in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.learners.recipe import Recipe
from tfmeta.network_registry import AUTO
from tfmeta.training.learner_options import default_options
from tfmeta.training.missing_weights import lacks_weights
from tfmeta.training.network_choice import taken_by
from tfmeta.training.opening import with_ways
from tfmeta.training.settings import Settings
from tfmeta.training.shapes import episode_shape
from tfmeta.training.trained_part import ALL


def suited(settings: Settings, source: EpisodeSource) -> Settings:
    """Settings with what suits the source, if the user chose nothing of how it is learned.

    A pretrained network suits it if its weights are installed.
    """
    own = {} if lacks_weights(source.learning) else source.learning
    flat = settings.to_flat()
    chosen = [settings.train, settings.augment, settings.learner_options, settings.network_options]
    is_open = settings.network == AUTO and settings.algorithm == own.get("algorithm")
    names = list(own)
    if not is_open or any(chosen):
        is_named = settings.network == own.get("network")
        names = [name for name in own if is_named and name.startswith("network.")]
    return settings.updated({name: own[name] for name in names if flat.get(name) in (None, AUTO)})


def resolved(
    settings: Settings,
    source: EpisodeSource,
    *,
    learner_class: type[Any],
    recipe: Recipe,
    network_function: Callable[..., Any],
) -> Settings:
    """Settings in which only what depends on the machine is still None.

    Args:
        settings: as the user gave them.
        source: of the episodes.
        learner_class: of the algorithm.
        recipe: of that class, for the options that the user chose.
        network_function: that makes the network.
    """
    settings = with_ways(settings, source)
    train_ways, train_shots, train_queries = _training_sizes(settings, source, recipe)
    return replace(
        settings,
        train_ways=train_ways,
        train_shots=train_shots,
        train_queries=train_queries,
        train=settings.train or ALL,
        steps=_steps(settings, recipe),
        meta_batch=settings.meta_batch or recipe.meta_batch,
        outer_learning_rate=settings.outer_learning_rate or recipe.outer_learning_rate,
        outer_optimizer=settings.outer_optimizer or recipe.outer_optimizer,
        outer_schedule=settings.outer_schedule or recipe.outer_schedule,
        network_options={
            **_network_defaults(network_function, source, recipe),
            **settings.network_options,
        },
        pipeline_options={**settings.pipeline_options, **source.pinned_options},
        learner_options={**default_options(learner_class), **recipe.options},
    )


def _steps(settings: Settings, recipe: Recipe) -> Any:
    if settings.steps is None and settings.max_minutes is None:
        return recipe.steps
    return settings.steps


def _training_sizes(settings: Settings, source: EpisodeSource, recipe: Recipe) -> Any:
    """Ways, shots and queries of a training episode: the user's, else the recipe's.

    If the data is too small for the recipe's numbers, these are lowered to what the data has, but
    not below the task's own numbers. If it is too small for these too, the source refuses.
    Minibatches of all classes have nothing to do with the task's numbers; with fewer ways they have
    more queries, so that their size stays.
    """
    shape = least = episode_shape(settings)
    most_ways, most_examples = source.limits("train", shape)
    if recipe.learns_all_classes:
        least = shape.changed(num_ways=1, num_shots=1, num_queries=1)
    most_wanted = recipe.train_episode.get("ways", shape.num_ways)
    ways = max(least.num_ways, min(most_wanted, most_ways))
    wanted = recipe.train_episode.get("queries", shape.num_queries)
    shots = recipe.train_episode.get("shots", shape.num_shots)
    if recipe.learns_all_classes:
        wanted = most_wanted * (shots + wanted) // ways - shots
    shots = max(least.num_shots, min(shots, most_examples - wanted))
    queries = max(min(wanted, least.num_queries), min(wanted, most_examples - shots))
    return (
        settings.train_ways or ways,
        settings.train_shots or shots,
        settings.train_queries or queries,
    )


def _network_defaults(
    network_function: Callable[..., Any], source: EpisodeSource, recipe: Recipe
) -> dict[str, Any]:
    """The arguments that the recipe and the source have for the network, if it takes them."""
    return taken_by(network_function, {**recipe.network_options, **source.network_options})
