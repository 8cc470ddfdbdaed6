"""`tfmeta.write_optima`: tasks, and the weights that solve them, for a hypernetwork."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import tfmeta
from tfmeta import files
from tfmeta.episodes import optima_file
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.optima_file import Optima
from tfmeta.errors import UserError, counted
from tfmeta.flags import check_flags
from tfmeta.learners.gradient_learner import GradientLearner
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.named_code import trusting
from tfmeta.training.loading import load_run
from tfmeta.training.opening import open_source_of_run
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.task_solver import TaskSolver
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_names, path, progress_or_log, whole

SPLIT = "train"  # the only one that is ever solved; a score is on tasks that nobody solved
_MOST_TASKS_PER_CALL = 250
_OPTIONS = ("tasks", "shots", "queries", "seed", "steps", "rate")


def write_optima(
    run: AnyPath,
    output: AnyPath,
    *,
    trust: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Solves training tasks from a run's network and writes them, as `tfmeta optima` does.

    Args:
        run: a run of a learner that takes gradient steps, on values; its network is the start.
        output: the file to write; it must not exist.
        trust: run code that the run names or holds, if it is not tfmeta's own.
        progress: is told how the work gets on; by default a log is.
        **options: `tasks` (4000) to solve, each of `shots` (as trained) and `queries` (90)
            examples; their `seed` (0); and `steps` and `rate` of `TaskSolver`.

    Returns:
        How the file was made: its provenance.

    Raises:
        UserError: as `solve_tasks`, or if the file can't be written.
    """
    check_names("write_optima", options, _OPTIONS)
    check_flags(trust=trust)
    trained, output = RunDirectory.open(path("run", run)), path("output", output)
    progress = progress_or_log(progress, "optima")
    tasks, queries = options.pop("tasks", 4_000), options.pop("queries", 90)
    shape = EpisodeShape(1, options.pop("shots", trained.settings.shots), queries)
    with trusting(trust), files.locked(output):
        solved = solve_tasks(
            trained.path,
            shape,
            num_tasks=whole("tasks", tasks, least=1),
            on_progress=lambda done: progress.advance(done / tasks, counted(done, "task")),
            **options,
        )
        optima_file.write_locked(output, solved)
    return solved.provenance


def solve_tasks(
    run_dir: AnyPath,
    shape: EpisodeShape,
    *,
    num_tasks: int,
    seed: int = 0,
    on_progress: Callable[[int], None] = lambda done: None,
    **solver: Any,
) -> Optima:
    """The first training tasks of a run's pipeline, each solved from the run's network.

    Args:
        run_dir: a run of a learner that takes gradient steps; its network is the start.
        shape: of the tasks; support and query set are solved together.
        num_tasks, seed: how many tasks, and the seed that they are drawn with.
        on_progress: called with the number of tasks done so far.
        **solver: `steps` and `rate` of `TaskSolver`.

    Raises:
        UserError: if the run is missing or can't be a start, its targets are classes, a number
            makes no sense, or the steps led to no finite weights.
    """
    if num_tasks < 2:
        raise UserError(
            f"received {counted(num_tasks, 'task')}; expected 2 or more, as some are held out"
        )
    run = RunDirectory.open(run_dir)
    source = _regression(run)
    source.check(SPLIT, shape)
    learner, step = _gradient_learner(run)
    task_solver = TaskSolver(learner, **solver)
    size = min(num_tasks, _MOST_TASKS_PER_CALL)
    dataset = source.episodes(SPLIT, shape, seed=seed, num_tasks=size)
    episodes, weights, *losses = _solved(dataset, task_solver, num_tasks, on_progress)
    facts = {
        "num_tasks": num_tasks,
        "num_shots": shape.num_shots,
        "num_queries": shape.num_queries,
        "seed": seed,
        "split": SPLIT,
        **_start_facts(run, learner, step),
        **_solver_facts(task_solver, *losses),
        "weights": {name: _summary(values) for name, values in weights.items()},
        "tfmeta": tfmeta.__version__,
        "tensorflow": tf.__version__,
    }
    return Optima(facts, episodes, weights)


def _solved(
    dataset: tf.data.Dataset,
    solver: TaskSolver,
    num_tasks: int,
    on_progress: Callable[[int], None],
) -> Any:
    """`(episodes, weights, start_loss, loss)` of the first tasks of a dataset, as arrays."""
    parts, done = [], 0
    for batch in dataset:
        episodes = Episode(*batch[:4])
        parts.append((episodes, *solver.solve(episodes)))
        done += len(episodes.support_x)
        on_progress(min(num_tasks, done))
        if done >= num_tasks:
            break
    return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays)[:num_tasks], *parts)


def _solver_facts(solver: TaskSolver, start_loss: Any, loss: Any) -> dict[str, Any]:
    """How the tasks were solved, and how well; refuses losses that are not finite."""
    if not np.isfinite(loss).all():
        raise UserError(
            f"{np.sum(~np.isfinite(loss))} of {len(loss)} tasks ended without a finite loss, "
            f"from {start_loss.mean():.4g} at the start; lower --rate (received {solver.rate})"
        )
    return {
        "optimizer": "adam, cosine to zero",
        "steps": solver.steps,
        "rate": solver.rate,
        "start_loss": float(start_loss.mean()),
        "loss": float(loss.mean()),
    }


def _regression(run: RunDirectory) -> EpisodeSource:
    """The run's source of episodes, if its targets are values."""
    source = open_source_of_run(run, run.settings)
    if not source.is_regression:
        raise UserError(
            f"{run.path} was trained on {source.name}, whose targets are classes; their order in "
            "an episode is drawn, so that no weights are the best. Expected a run on values, such "
            "as: tfmeta train sinusoid --algorithm maml"
        )
    source.check_fixed("a file of best weights")
    return source


def _gradient_learner(run: RunDirectory) -> Any:
    learner, step = load_run(run)
    if not isinstance(learner, GradientLearner):
        raise UserError(
            f"{run.path} was trained with {run.settings.algorithm}, whose network is no start for "
            "gradient steps; expected a run of a learner that takes some, such as --algorithm maml"
        )
    return learner, step


def _start_facts(run: RunDirectory, learner: MetaLearner, step: int) -> dict[str, Any]:
    settings = run.settings
    return {
        "pipeline": settings.pipeline,
        "pipeline_options": settings.pipeline_options,
        "data_dir": settings.data_dir,
        "start_run": str(run.path),
        "start_algorithm": settings.algorithm,
        "start_step": step,
        "start_sha256": weights_digest(learner.function),
        "target_scale": learner.target_scale.get_config(),
    }


def weights_digest(function: Any) -> str:
    """SHA-256 of a network's weights, names and values, in the order of its variables."""
    digest = hashlib.sha256()
    for name, values in zip(function.weight_names, function.weights(), strict=True):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values.numpy()).tobytes())
    return digest.hexdigest()


def _summary(optima: np.ndarray) -> dict[str, Any]:
    """Of one weight's optima: their mean, and how far they are spread over the tasks (RMS)."""
    return {
        "mean": float(optima.mean()),
        "std": float(np.sqrt(np.mean(optima.var(0, dtype=np.float64)))),
    }
