"""`tfmeta inspect` and `tfmeta train` on data, in this process."""

import json

from click.testing import CliRunner

from tfmeta.cli import main

SMALL = ("--set", "pipeline.size=16")


def run(*arguments):
    """A command in this process: a result with exit_code, stdout and stderr."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def inspect(*arguments, status=0):
    """The JSON of an inspection that must end with that status."""
    result = run("inspect", *arguments, "--json")
    assert result.exit_code == status, result.stderr
    assert result.stdout.count("\n") == 1
    report = json.loads(result.stdout)
    assert (result.stderr == "") == report["ready"] == (not report["refusals"])
    return report


def refusal_of_training(*arguments):
    """What `tfmeta train` says as it refuses."""
    result = run("train", *arguments, "--run-dir", "never-made")
    assert result.exit_code == 2
    return result.stderr.removeprefix("Error: ").removesuffix("\n")
