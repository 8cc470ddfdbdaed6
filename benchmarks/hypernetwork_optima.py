"""A hypernetwork by its two trainings on the sinusoid: onto solved tasks' weights, and end to end.

    python benchmarks/hypernetwork_optima.py [--end-to-end] [--folder FOLDER]

By regression: trains the shared start (MAML), solves training tasks from it (`tfmeta optima`), fits
the hypernetwork to the pairs and evaluates it on test episodes that nobody solved, 10 shots and 15
queries, inductive. The errors of the weights are on the file's last tenth, never trained on, in
units of each weight's spread, beside that of the mean optimum, the best answer that ignores the
task. Every stage is the command that a user would type; prints JSON.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHOTS, QUERIES, TEST_TASKS = 10, 15, 600
COMMAND = [sys.executable, "-c", "from tfmeta.cli import main; main(prog_name='tfmeta')"]


class Stages:
    """Runs `tfmeta` commands, each in a process of its own, and keeps how long they took.

    Seconds of the clock, which other work on the machine draws out, and of the processor.
    """

    def __init__(self):
        self.seconds, self.processor_seconds, self.commands = {}, {}, {}

    def run(self, name: str, *arguments) -> str:
        """The standard output of `tfmeta ARGUMENTS`; progress goes to standard error."""
        started, busy = time.monotonic(), _processor_seconds()
        words = [str(argument) for argument in arguments]
        done = subprocess.run([*COMMAND, *words], stdout=subprocess.PIPE, check=True, text=True)
        self.seconds[name] = round(time.monotonic() - started, 1)
        self.processor_seconds[name] = round(_processor_seconds() - busy, 1)
        self.commands[name] = " ".join(["tfmeta", *words])
        return done.stdout

    def evaluate(self, name: str, run) -> dict:
        sizes = ["--shots", SHOTS, "--queries", QUERIES, "--tasks", TEST_TASKS]
        return json.loads(self.run(name, "evaluate", run, *sizes, "--json"))


def _processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def by_regression(stages: Stages, folder: Path, tasks: int) -> dict:
    start, file, run = folder / "start", folder / "solved.optima", folder / "regression"
    maml = ["--algorithm", "maml", "--shots", SHOTS, "--steps", 15_000]
    stages.run("train the start", "train", "sinusoid", *maml, "--run-dir", start)
    stages.run("solve", "optima", start, "--tasks", tasks, "--output", file)
    fit = ["--algorithm", "hypernetwork", "--shots", SHOTS, "--set", f"pipeline.file={file}"]
    stages.run("fit", "train", "optima", *fit, "--run-dir", run)
    score = stages.evaluate("evaluate", run)
    return {
        "query_mse": score["mse"],
        "ci95": score["ci95"],
        "query_mse_of_the_start": stages.evaluate("evaluate the start", start)["adaptation_curve"][
            0
        ],
        "parameter_error": parameter_errors(run, file),
        "protocol": score,
    }


def end_to_end(stages: Stages, folder: Path) -> dict:
    run = folder / "end-to-end"
    settings = ["--algorithm", "hypernetwork", "--shots", SHOTS, "--run-dir", run]
    stages.run("train end to end", "train", "sinusoid", *settings)
    score = stages.evaluate("evaluate end to end", run)
    return {"query_mse": score["mse"], "ci95": score["ci95"], "protocol": score}


def parameter_errors(run, file) -> dict:
    """Mean squared errors of the generated weights, and what the file says of the optima."""
    import tfmeta

    tfmeta.configure_runtime()
    import tensorflow as tf

    from tfmeta.episodes import optima_file
    from tfmeta.episodes.episode_shape import EpisodeShape
    from tfmeta.learners.hypernetwork import parameter_error
    from tfmeta.pipelines import build

    learner, source = tfmeta.load(run), build("optima", options={"file": str(file)})
    optima = optima_file.read(file)
    means = {name: values[: source.num_train].mean(0) for name, values in optima.weights.items()}

    def errors(task):
        generated = learner.adapt(task.support_x, task.support_y)["weights"]
        return parameter_error(generated, task), parameter_error(means, task)

    shape = EpisodeShape(1, SHOTS, QUERIES)
    (episodes,) = source.episodes("held-out", shape, num_tasks=source.num_held_out).take(1)
    held_out, of_the_mean = (float(tf.reduce_mean(e)) for e in learner.map_tasks(errors, episodes))
    lines = (Path(run) / "metrics.jsonl").read_text().splitlines()
    return {
        "held_out": held_out,
        "held_out_of_the_mean_optimum": of_the_mean,
        "training": json.loads(lines[-1])["loss"],
        "held_out_tasks": source.num_held_out,
        "training_tasks": source.num_train,
        "loss_at_the_start": optima.provenance["start_loss"],
        "loss_at_the_optimum": optima.provenance["loss"],
        "rms_spread": {name: float(scale) for name, scale in source.scales.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=4_000, help="to solve")
    parser.add_argument("--end-to-end", action="store_true", help="train this way too")
    parser.add_argument("--folder", type=Path, help="keep the runs here; a new folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, stages = options.folder or Path(temporary), Stages()
        folder.mkdir(parents=True, exist_ok=True)
        report = {"regression": by_regression(stages, folder, options.tasks)}
        if options.end_to_end:
            report["end_to_end"] = end_to_end(stages, folder)
    report["seconds"] = stages.seconds
    report["processor_seconds"] = stages.processor_seconds
    report["commands"] = {n: c.replace(str(folder), "RUNS") for n, c in stages.commands.items()}
    report["cores"] = len(os.sched_getaffinity(0))
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
