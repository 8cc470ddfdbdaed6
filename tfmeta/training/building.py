"""Settings -> the source of episodes and the learner that they describe."""

import inspect
from dataclasses import replace
from functools import partial

import keras

from tfmeta import networks
from tfmeta.episodes.episode_shape import MOST_EXAMPLES, EpisodeShape, Range
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError, described
from tfmeta.keras_files import check_config
from tfmeta.learners import find
from tfmeta.learners.targets import CLASSES, VALUES
from tfmeta.named_code import import_named
from tfmeta.network_size import check_size
from tfmeta.pipelines import build as build_source
from tfmeta.training.settings import Settings

_DEFAULT_WAYS = 5
_MOST_A_STEP = 10 * MOST_EXAMPLES
_GIVEN = ("self", "network", "targets", "transductive")  # to a learner by the run, not as options
_OPTIMIZERS = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}


def open_source(settings: Settings) -> EpisodeSource:
    """The pipeline's source of episodes; raises UserError if it can't be had."""
    return build_source(
        settings.pipeline,
        data_dir=settings.data_dir,
        options=settings.pipeline_options,
        skip_unreadable=settings.skip_unreadable,
    )


def episode_shape(settings: Settings) -> EpisodeShape:
    """The task that a run is to be good at."""
    return EpisodeShape(
        Range.up_to(settings.ways, settings.least_ways),
        Range.up_to(settings.shots, settings.least_shots),
        Range.up_to(settings.queries, settings.least_queries),
        within_group=settings.within_group,
        unbalanced=settings.unbalanced,
        skip_small_classes=settings.skip_small_classes,
    )


def training_shape(settings: Settings) -> EpisodeShape:
    """The episodes that it is trained on; they may have less than the task's ranges begin with."""
    ranges = {}
    for name in ("ways", "shots", "queries"):
        most, least = getattr(settings, f"train_{name}"), getattr(settings, f"least_{name}")
        ranges[f"num_{name}"] = Range.up_to(most, least and min(least, most))
    return episode_shape(settings).changed(**ranges)


def data_refusals(settings: Settings, source: EpisodeSource) -> list[str]:
    """Why a run with these (resolved) settings can't have its episodes; nothing if it can."""
    asked = [("train", training_shape(settings), "")]
    if settings.validation_tasks:
        without = "; or train without: --set validation_tasks=0"
        asked.append(("validation", episode_shape(settings), without))
    refusals = []
    examples = settings.meta_batch * training_shape(settings).size
    if examples > _MOST_A_STEP:
        refusals.append(
            f"received meta_batch={settings.meta_batch}, which is {examples} examples a step; "
            f"expected {_MOST_A_STEP} at most"
        )
    for split, shape, remedy in asked:
        try:
            source.check(split, shape)
        except UserError as error:
            if str(error) not in refusals:  # else training without validation is no remedy
                refusals.append(f"{error}{remedy}")
    if problem := source.hopeless("train"):
        where = f"the train split of {source.name}"
        refusals.append(f"this can't be learned from: {problem}, in {where}")
    return refusals


def with_ways(settings: Settings, source: EpisodeSource) -> Settings:
    """Settings with the default number of ways filled in."""
    return replace(settings, ways=settings.ways or (1 if source.is_regression else _DEFAULT_WAYS))


def resolve(settings: Settings, source: EpisodeSource) -> Settings:
    """Settings with every default filled in, from the learner's recipe and the pipeline.

    Raises:
        UserError: if the learner has no such option.
    """
    algorithm = find(settings.algorithm)
    learner_class = algorithm.load()
    options = {**algorithm.options, **source.learner_options, **settings.learner_options}
    accepted = [p for p in _parameters(learner_class) if p != "network"]
    for option in options:
        if option not in accepted:
            raise UserError(
                f"algorithm {settings.algorithm} has no option {option!r}; "
                f"it has: {', '.join(accepted)}"
            )
    recipe = learner_class.recipe(options, regression=source.is_regression)
    untimed = settings.max_minutes is None
    settings = with_ways(settings, source)
    train_ways, train_shots, train_queries = _training_episode(settings, source, recipe)
    return replace(
        settings,
        train_ways=train_ways,
        train_shots=train_shots,
        train_queries=train_queries,
        steps=settings.steps or (recipe.steps if untimed else None),
        meta_batch=settings.meta_batch or recipe.meta_batch,
        outer_lr=settings.outer_lr or recipe.outer_learning_rate,
        outer_optimizer=settings.outer_optimizer or recipe.outer_optimizer,
        outer_schedule=settings.outer_schedule or recipe.outer_schedule,
        network_options={**_network_defaults(settings, source, recipe), **settings.network_options},
        pipeline_options={**settings.pipeline_options, **source.pinned_options},
        learner_options={**_defaults(learner_class), **recipe.options},
    )


def _training_episode(settings, source, recipe):
    """What the user says of a training episode, else the recipe, as far as the data goes.

    Only what the recipe has beyond the task gives way to the data: where that is too small for the
    task itself, the source refuses.
    """
    shape = episode_shape(settings)
    most_ways, most_examples = source.limits("train", shape)
    ways = max(shape.num_ways, min(recipe.train_episode.get("ways", shape.num_ways), most_ways))
    wanted = recipe.train_episode.get("queries", shape.num_queries)
    shots = recipe.train_episode.get("shots", shape.num_shots)
    shots = max(shape.num_shots, min(shots, most_examples - wanted))
    queries = max(min(wanted, shape.num_queries), min(wanted, most_examples - shots))
    return (
        settings.train_ways or ways,
        settings.train_shots or shots,
        settings.train_queries or queries,
    )


def _network_defaults(settings, source, recipe):
    """The recipe's and the source's arguments for the network, as far as it has such."""
    function = _network_function(settings.network, source)
    accepted = inspect.signature(function).parameters
    defaults = {**recipe.network_options, **source.network_options}
    return {name: value for name, value in defaults.items() if name in accepted}


def build_learner(settings: Settings, source: EpisodeSource):
    """The learner, compiled, with weights drawn from the seed. `settings` are resolved ones.

    Raises:
        UserError: if an option of the network or the learner makes no sense, or the source's
            episodes are for another network.
    """
    options = [settings.network_options, settings.learner_options]
    check_config(options, "a network's or learner's option")  # Keras makes objects of some
    num_outputs = _num_outputs(settings, source)
    make_network = partial(
        _network_function(settings.network, source),
        input_shape=source.input_shape,
        num_outputs=num_outputs,
        **settings.network_options,
    )
    try:
        if ":" not in settings.network:  # others' may load weights while they are made
            check_size(make_network)
        keras.utils.set_random_seed(settings.seed)
        network = make_network()
        learner = find(settings.algorithm).load()(
            network,
            targets=VALUES if source.is_regression else CLASSES,
            transductive=settings.transductive,
            **settings.learner_options,
        )
    except UserError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"cannot build the learner: {error}") from error
    source.check_learner(learner)
    if source.prepared is not None:
        source.prepared.check_input_dtype(networks.input_dtype(learner.network))
    compile_learner(learner, settings, is_regression=source.is_regression)
    return learner


def _num_outputs(settings, source):
    """Of the network: the targets' size, the classes of an episode, or None for an embedding."""
    learner_class = find(settings.algorithm).load()
    recipe = learner_class.recipe(settings.learner_options, regression=source.is_regression)
    if not recipe.has_head:
        return None
    return source.target_size or max(settings.ways, settings.train_ways)


def compile_learner(learner, settings: Settings, *, is_regression: bool) -> None:
    """The outer optimizer, the targets' loss, and the queries' error or accuracy."""
    loss = (
        keras.losses.MeanSquaredError()
        if is_regression
        else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    metric = (
        keras.metrics.MeanSquaredError("mse")
        if is_regression
        else keras.metrics.SparseCategoricalAccuracy("accuracy")
    )
    learner.compile(
        _OPTIMIZERS[settings.outer_optimizer](settings.outer_lr),
        loss,
        metrics=[metric],
        jit_compile=False if training_shape(settings).varies else "auto",
        # A dense network's step is shorter than Python's share of it: many steps a call.
        steps_per_execution=log_every(settings, learner) if learner.is_vectorised else 1,
    )
    learner.optimizer.build(learner.trainable_variables)


def log_every(settings: Settings, learner) -> int:
    """Steps a window: what one line of metrics is the mean of."""
    return settings.log_every or (500 if learner.is_vectorised else 20)


def _network_function(name, source):
    if name == "auto":
        name = source.network or ("conv4" if len(source.input_shape) == 3 else "mlp")
    if ":" in name:
        try:
            return import_named(name, "network")
        except UserError:
            raise
        except Exception as error:  # whatever a user's module does when it is imported
            raise UserError(f"cannot load the network {name!r}: {described(error)}") from error
    if name not in networks.NAMES:
        raise UserError(
            f"unknown network {name!r}; expected auto, {', '.join(networks.NAMES)} or "
            "package.module:function"
        )
    return getattr(networks, name)


def _parameters(learner_class):
    """Names of a learner's constructor arguments, its base classes' included."""
    return [name for name in _signature(learner_class) if name not in _GIVEN]


def _defaults(learner_class) -> dict:
    """Of its constructor arguments; without those whose default is None, "it depends"."""
    signature = _signature(learner_class)
    defaults = {name: signature[name].default for name in _parameters(learner_class)}
    return {k: v for k, v in defaults.items() if v not in (inspect.Parameter.empty, None)}


def _signature(learner_class) -> dict:
    found = {}
    for each in learner_class.__mro__:
        if each is keras.Model:
            break
        if "__init__" in vars(each):
            parameters = inspect.signature(each.__init__).parameters.values()
            named = [p for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
            found = {**found, **{p.name: p for p in named if p.name not in found}}
    return found
