"""Episodes and optima are written from Python as they are from the command line."""

import inspect

import numpy as np
import pytest
import trained

import tfmeta
from tfmeta import UserError
from tfmeta.commands.optima import optima
from tfmeta.training.task_solver import TaskSolver
from tfmeta.workflows.optima import solve_tasks


def test_episodes_from_python_are_those_of_the_command(tmp_path):
    made = tfmeta.write_episodes("sinusoid", tmp_path / "one", tasks=3, shots=2, queries=4, seed=5)
    given = ["--tasks", 3, "--shots", 2, "--queries", 4, "--seed", 5]
    trained.call("episodes", "sinusoid", *given, "--output", tmp_path / "two")
    one, two = (dict(np.load(tmp_path / name)) for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
    assert made["episodes_sha256"] in str(one["protocol"])
    assert one["support_y"].shape == (3, 2, 1)


def test_optima_from_python_are_those_of_the_command(tmp_path):
    run = trained.sinusoid_run()
    given = {"tasks": 2, "queries": 3, "steps": 2, "rate": 0.02, "seed": 1}
    facts = tfmeta.write_optima(run, tmp_path / "one", **given)
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    trained.call("optima", run, *options, "--output", tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (facts["num_tasks"], facts["num_shots"], facts["rate"]) == (2, 5, 0.02)


def test_the_help_of_optima_states_the_defaults_of_the_functions():
    defaults = {
        name: parameter.default
        for function in (TaskSolver.__init__, solve_tasks)
        for name, parameter in inspect.signature(function).parameters.items()
        if name in ("steps", "rate", "seed")
    }
    told = {option.name: option.help for option in optima.params if hasattr(option, "help")}
    for name, default in defaults.items():
        assert f"[default: {default}]" in told[name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": 0}, r"received tasks=0; expected a whole number from 1 up"),
        ({"tasks": 2, "trust": "no"}, r"received trust='no'; expected True or False"),
        ({"tasks": 2, "split": "dev"}, r"unknown split 'dev'"),
        ({"like": "glyphs"}, r"was trained on glyphs; expected sinusoid"),
        ({"progress": print}, r"expected a tfmeta\.training\.progress\.Progress"),
    ],
)
def test_episodes_that_make_no_sense_are_refused(options, message, tmp_path):
    if "like" in options:
        options = {"like": trained.glyph_run()}
    with pytest.raises(UserError, match=message):
        tfmeta.write_episodes("sinusoid", tmp_path / "file", **options)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": 2}, r"write_optima received task; expected some of: queries, rate, seed, shots"),
        ({"tasks": True}, r"received tasks=True; expected a whole number"),
        ({"trust": 1}, r"received trust=1; expected True or False"),
    ],
)
def test_optima_that_make_no_sense_are_refused(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        tfmeta.write_optima(trained.sinusoid_run(), tmp_path / "file", **options)
    assert not any(tmp_path.iterdir())
