"""Makes the pairs that a hypernetwork is fitted to: tasks, and the weights that solve them."""

import hashlib

import numpy as np
import tensorflow as tf

import tfmeta
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_source import EpisodeShape
from tfmeta.episodes.optima_file import Optima
from tfmeta.errors import UserError
from tfmeta.learners.gradient_learner import GradientLearner
from tfmeta.training.building import open_source
from tfmeta.training.loading import load_run
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.task_solver import TaskSolver

SPLIT = "train"  # the only one that is ever solved; a score is on tasks that nobody solved
_MOST_TASKS_A_CALL = 250


def solve_tasks(
    run_dir, shape: EpisodeShape, *, num_tasks: int, seed: int = 0, on_progress=None, **solver
) -> Optima:
    """The first training tasks of a run's pipeline, each solved from the run's network.

    Args:
        run_dir: a trained run of a learner that takes gradient steps; its network is the start.
        shape: of the tasks; support and query set are solved together.
        num_tasks: how many.
        seed: of the tasks.
        on_progress: called with the number of tasks done so far.
        **solver: `steps` and `rate` of `TaskSolver`.

    Raises:
        UserError: if the run is missing or can't be a start, its targets are classes, a number
            makes no sense, or the steps led to no finite weights.
    """
    if num_tasks < 2:
        raise UserError(f"received {num_tasks} tasks; expected 2 or more, as some are held out")
    run = RunDirectory.open(run_dir)
    source = _regression(run)
    source.check(SPLIT, shape)
    learner, step = _gradient_learner(run)
    task_solver = TaskSolver(learner, **solver)
    size = min(num_tasks, _MOST_TASKS_A_CALL)
    dataset = source.episodes(SPLIT, shape, seed=seed, num_tasks=size)
    parts = []
    for number, episodes in enumerate(dataset.take(-(-num_tasks // size)), 1):
        episodes = Episode(*episodes[:4])
        parts.append((episodes, *task_solver.solve(episodes)))
        if on_progress:
            on_progress(min(num_tasks, number * size))
    episodes, weights, start_loss, loss = tf.nest.map_structure(
        lambda *arrays: np.concatenate(arrays)[:num_tasks], *parts
    )
    if not np.isfinite(loss).all():
        raise UserError(
            f"{np.sum(~np.isfinite(loss))} of {num_tasks} tasks ended without a finite loss, "
            f"from {start_loss.mean():.4g} at the start; lower --rate (received {task_solver.rate})"
        )
    provenance = {
        "num_tasks": num_tasks,
        "num_shots": shape.num_shots,
        "num_queries": shape.num_queries,
        "seed": seed,
        "split": SPLIT,
        **_start_facts(run, learner, step),
        "target_scale": learner.target_scale.get_config(),
        "optimizer": "adam, cosine to zero",
        "steps": task_solver.steps,
        "rate": task_solver.rate,
        "start_loss": float(start_loss.mean()),
        "loss": float(loss.mean()),
        "weights": {name: _summary(values) for name, values in weights.items()},
        "tfmeta": tfmeta.__version__,
        "tensorflow": tf.__version__,
    }
    return Optima(provenance, episodes, weights)


def _regression(run):
    """The run's source of episodes, if its targets are values."""
    source = open_source(run.settings)
    if not source.is_regression:
        raise UserError(
            f"{run.path} was trained on {source.name}, whose targets are classes; their order in "
            "an episode is drawn, so that no weights are the best. Expected a run on values, such "
            "as: tfmeta train sinusoid --algorithm maml"
        )
    return source


def _gradient_learner(run):
    learner, step = load_run(run)
    if not isinstance(learner, GradientLearner):
        raise UserError(
            f"{run.path} was trained with {run.settings.algorithm}, whose network is no start for "
            "gradient steps; expected a run of a learner that takes some, such as --algorithm maml"
        )
    return learner, step


def _start_facts(run, learner, step):
    settings = run.settings
    return {
        "pipeline": settings.pipeline,
        "pipeline_options": settings.pipeline_options,
        "data_dir": settings.data_dir,
        "start_run": str(run.path),
        "start_algorithm": settings.algorithm,
        "start_step": step,
        "start_sha256": weights_digest(learner.function),
    }


def weights_digest(function) -> str:
    """SHA-256 of a network's weights, names and values, in the order of its variables."""
    digest = hashlib.sha256()
    for name, values in zip(function.weight_names, function.weights(), strict=True):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values.numpy()).tobytes())
    return digest.hexdigest()


def _summary(optima):
    """Of one weight's optima: their mean, and how far they are spread over the tasks (RMS)."""
    return {
        "mean": float(optima.mean()),
        "std": float(np.sqrt(np.mean(optima.var(0, dtype=np.float64)))),
    }
