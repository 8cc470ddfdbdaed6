"""How trained runs are compared, and the command that trains them."""

import numpy as np
import trained

from tfmeta.training.run_directory import RunDirectory

SINUSOID = ["sinusoid", "--shots", 5, "--meta-batch", 4, "--inner-steps", 1]
for _setting in ("validation_tasks=0", "checkpoint_seconds=0", "log_every=4"):
    SINUSOID += ["--set", _setting]
SINUSOID += trained.WITHOUT_XLA


def the_line(capfd, *arguments, status=1, output=""):
    """The one line on standard error, but for progress, of a command that fails."""
    received, shown, errors = trained.inside(capfd, *arguments)
    assert received == status, errors
    assert shown.startswith(output) and bool(shown) == bool(output), shown  # noqa: PT018
    *progress, line = errors.splitlines()
    assert all(each.startswith(f"{arguments[0]}  ") for each in progress), errors
    assert line.startswith("Error: ")
    return line


def arrays(run):
    learner, step = RunDirectory.open(run).load_checkpoint()
    return step, [v.numpy() for v in (*learner.variables, *learner.optimizer.variables)]


def assert_same(run, other):
    """To the bit: step, weights, the optimizer's state, metrics."""
    (step, values), (other_step, others) = arrays(run), arrays(other)
    assert step == other_step
    for value, expected in zip(values, others, strict=True):
        np.testing.assert_array_equal(value, expected)
    assert (run / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
