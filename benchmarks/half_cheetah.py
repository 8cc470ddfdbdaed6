"""The half-cheetah with a joint disabled that was never disabled in training.

    python benchmarks/half_cheetah.py --folder FOLDER --output benchmarks/results/half_cheetah.json

Makes the trajectories (`half_cheetah_data.py`), trains MAML whose inner loop adapts one factor per
feature (`tfmeta train transitions`), exports and verifies it. Then it measures two things under the
test condition, in which the joint `fshin` is disabled; `bfoot` is for validation, the other
conditions are for training.

- Prediction errors: of 600 windows, 16 transitions and the 16 after them, the mean squared error in
  units of the training targets' deviations: adapted, unadapted (from the same learner's start), and
  of one Keras network of the same size that was trained on all training transitions.
- Returns of `tfmeta.control.Controller` with each of the three models, in the environment's own
  reward, over 10 episodes of 200 steps from the same starts.

`--also NAME=RUN` measures the errors of other runs on the same windows; with `--errors-only` it
does nothing else. What is in the folder already is not made again. Prints and writes JSON.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import half_cheetah_data as cheetah
import keras
import numpy as np
import tensorflow as tf
from scipy import stats

import tfmeta
from tfmeta.control import Controller, Dynamics, LearnerDynamics, ServedDynamics
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines.transitions import Transitions, build

TEST, VALIDATION = "fshin", "bfoot"
SHOTS, QUERIES, WINDOWS = 16, 16, 600
UNITS, EPOCHS = 200, 60
TRAINING_STEPS = 5_500
TEST_STEPS = 12  # validation: the error falls from 3 to 12 inner steps, and hardly after that
EPISODES, STEPS = 10, 200
PER_CONDITION, LENGTH = 160, 200
SEARCH = {"horizon": 10, "candidates": 400, "iterations": 4, "memory": SHOTS}
SPEED = 8  # the place of the forward speed in an observation
COMMAND = [sys.executable, "-c", "from tfmeta.cli import main; main(prog_name='tfmeta')"]
TRAINING = (
    *("--algorithm", "maml", "--shots", SHOTS, "--queries", QUERIES),
    *("--set", f"pipeline.test_conditions={TEST}"),
    *("--set", f"pipeline.validation_conditions={VALIDATION}"),
    *("--inner-steps", 3, "--inner-lr", 0.5, "--set", "learner.learn_rates=true"),
    *("--set", f"learner.test_inner_steps={TEST_STEPS}", "--steps", TRAINING_STEPS),
    *("--set", f"network.units=[{UNITS},{UNITS}]", "--set", "network.activation=tanh"),
    *("--set", "network.input_gain=true", "--set", 'learner.adapt_layers=["input_gain"]'),
)


def reward(observation: Any, action: Any, following: Any) -> Any:
    """The environment's reward, with the next observation's speed in place of the mean speed."""
    del observation
    return following[:, SPEED] - 0.1 * tf.reduce_sum(action**2, 1)


class Unadapted(LearnerDynamics):
    """A learner before its first inner step."""

    def __init__(self, learner: Any):
        super().__init__(learner)
        self._learner = learner

    def adapt(self, support_x: Any, support_y: Any) -> Any:
        path = self._learner.adaptation_path(support_x, support_y)
        return path[min(path)]


class Plain(Dynamics):
    """One Keras network, which does not adapt.

    Args:
        source: on whose training transitions it is trained.
    """

    def __init__(self, source: Transitions):
        rows = source.index.rows("train")
        x, y = source.index.examples[rows], source.trajectories.changes[rows]
        (self.input_size,), self.observation_size = source.input_shape, source.target_size
        self._centre, self._spread = y.mean(0), y.std(0)
        scale = keras.layers.Normalization(mean=x.mean(0), variance=x.var(0))
        hidden = [keras.layers.Dense(UNITS, "tanh") for _ in range(2)]
        inputs = keras.Input((self.input_size,))
        head = keras.layers.Dense(self.observation_size)
        self._network = keras.Sequential([inputs, scale, *hidden, head])
        steps = EPOCHS * -(-len(x) // 256)
        rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
        self._network.compile(keras.optimizers.Adam(rate), "mse")
        targets = (y - self._centre) / self._spread
        self._network.fit(x, targets, 256, EPOCHS, verbose=0)

    def adapt(self, support_x: Any, support_y: Any) -> Any:
        return {}

    def changes(self, task_state: Any, query_x: Any) -> Any:
        return self._network(query_x, training=False) * self._spread + self._centre


def called(*arguments: Any) -> str:
    """The standard output of a command of tfmeta."""
    words = [*COMMAND, *map(str, arguments)]
    return subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True).stdout


def prepared(folder: Path) -> dict[str, Any]:
    """Makes the data, the run and the export, and says how."""
    data, run, export = (folder / name for name in ("cheetah.npz", "run", "exported"))
    if not data.exists():
        np.savez_compressed(data, **cheetah.data(PER_CONDITION, LENGTH, seed=0))
    train = ["train", "transitions", "--data-dir", data, *TRAINING, "--run-dir", run]
    if not run.exists():
        called(*train)
    if not export.exists():
        called("export", run, "--output", export)
    checks = json.loads(called("verify", export, "--json"))
    told = " ".join(map(str, train)).replace(f"{folder}/", "")
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return {
        "command": f"tfmeta {told}",
        "steps": max(json.loads(line)["step"] for line in lines),
        "verified": checks["ok"],
    }


def source_of(folder: Path) -> Transitions:
    named = {"test_conditions": TEST, "validation_conditions": VALIDATION}
    return build(data_dir=folder / "cheetah.npz", **named)


def errors_of(model: Dynamics, source: Transitions, split: str = "test") -> np.ndarray:
    """The mean squared error of each window, `(windows,)`, in the training targets' deviations."""
    spread = tf.constant(source.learner_options["target_spread"], tf.float32)
    episodes = source.draw(split, EpisodeShape(1, SHOTS, QUERIES), 1)(0, WINDOWS)

    def error(episode: Any) -> Any:
        support_x, support_y, query_x, query_y = episode
        answers = model.changes(model.adapt(support_x, support_y), query_x)
        return tf.reduce_mean(((answers - query_y) / spread) ** 2)

    def of_each(episodes: Any) -> Any:
        return tf.map_fn(error, episodes, fn_output_signature=tf.float32)

    return tf.function(of_each, autograph=False)(tuple(episodes)).numpy()


def episode_return(controller: Controller, condition: str, seed: int, record: Any = None) -> float:
    """The sum of the environment's rewards of one episode.

    Args:
        controller: which chooses the actions.
        condition: the disabled joint, or `none`.
        seed: of the start.
        record: called with the joints' positions at each step; None for nothing.
    """
    env = cheetah.environment()
    controller.reset()
    observation, _ = env.reset(seed=seed)
    total = 0.0
    for _ in range(STEPS):
        action = cheetah.applied(controller.act(observation), condition)
        observation, given, *_ = env.step(action)
        total += float(given)
        if record is not None:
            record(env.unwrapped.data.qpos.copy())
    return total


def controller_of(model: Any) -> Controller:
    space = cheetah.environment().action_space
    return Controller(model, reward, (space.low, space.high), **SEARCH)


def random_return(seed: int) -> float:
    """Of uniform actions under the test condition."""
    env, rng = cheetah.environment(), np.random.default_rng(seed)
    env.reset(seed=seed)
    actions = rng.uniform(-1, 1, (STEPS, len(cheetah.JOINTS)))
    return sum(float(env.step(cheetah.applied(action, TEST))[1]) for action in actions)


def interval(values: Any) -> float:
    """Half of the 95% interval of a mean, by Student's t."""
    values = np.asarray(values, np.float64)
    quantile = stats.t.ppf(0.975, len(values) - 1)
    return float(quantile * values.std(ddof=1) / len(values) ** 0.5)


def mean_of(values: Any) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "ci95": interval(values)}


def ratio_of(one: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    """The ratio of two means over the same windows, and its 95% interval by 2,000 resamplings."""
    rows = np.random.default_rng(0).integers(0, len(one), (2000, len(one)))
    ratios = one[rows].mean(1) / other[rows].mean(1)
    ends = np.quantile(ratios, [0.025, 0.975]).tolist()
    return {"ratio": float(one.mean() / other.mean()), "ci95": ends}


def errors_of_others(folder: Path, runs: list[str]) -> dict[str, Any]:
    """Of runs that are given as `NAME=RUN`."""
    source, named = source_of(folder), [each.split("=", 1) for each in runs]
    loaded = {name: LearnerDynamics(tfmeta.load(run)) for name, run in named}
    return {name: mean_of(errors_of(model, source)) for name, model in loaded.items()}


def measured(folder: Path) -> dict[str, Any]:
    source = source_of(folder)
    keras.utils.set_random_seed(0)
    models: dict[str, Dynamics] = {
        "adapted": ServedDynamics(folder / "exported"),
        "unadapted": Unadapted(tfmeta.load(folder / "run")),
        "one network": Plain(source),
    }
    errors = {name: errors_of(model, source) for name, model in models.items()}
    found: dict[str, Any] = {"errors": {name: mean_of(each) for name, each in errors.items()}}
    found["median_errors"] = {name: float(np.median(each)) for name, each in errors.items()}
    adapted = errors.pop("adapted")
    found["ratios"] = {f"adapted / {name}": ratio_of(adapted, e) for name, e in errors.items()}
    print(json.dumps(found), file=sys.stderr, flush=True)
    returns, seconds = {}, {}
    for name, model in models.items():
        controller, started = controller_of(model), time.process_time()
        returns[name] = [episode_return(controller, TEST, seed) for seed in range(EPISODES)]
        seconds[name] = (time.process_time() - started) / EPISODES / STEPS
        print(name, returns[name], file=sys.stderr, flush=True)
    returns["random actions"] = [random_return(seed) for seed in range(EPISODES)]
    of_adapted = np.array(returns["adapted"])
    others = [name for name in returns if name != "adapted"]
    found["returns"] = {name: mean_of(each) for name, each in returns.items()}
    found["differences"] = {
        f"adapted - {name}": mean_of(of_adapted - np.array(returns[name])) for name in others
    }
    return found | {"processor_seconds_per_step": seconds, "each_return": returns}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--also", action="append", default=[])
    parser.add_argument("--errors-only", action="store_true")
    options = parser.parse_args()
    if options.errors_only:
        print(json.dumps(errors_of_others(options.folder, options.also), indent=2))
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    made = prepared(options.folder)
    protocol = {
        "test_condition": TEST,
        "validation_condition": VALIDATION,
        "windows": WINDOWS,
        "shots": SHOTS,
        "queries": QUERIES,
        "episodes": EPISODES,
        "steps_per_episode": STEPS,
        "trajectories_per_condition": PER_CONDITION,
        "transitions_per_trajectory": LENGTH,
        "search": SEARCH,
        "network_epochs": EPOCHS,
        "seed": 0,
    }
    found = {**made, "protocol": protocol, **measured(options.folder)}
    if options.also:
        found["errors of others"] = errors_of_others(options.folder, options.also)
    text = json.dumps(found, indent=2)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
