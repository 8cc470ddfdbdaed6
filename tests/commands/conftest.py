"""Commands in this process: the one line of a failure, the settings that are printed."""

import json

import pytest
import trained


@pytest.fixture
def fails(capfd):
    """Runs a command that must fail in one line on standard error; returns that line."""

    def run(*arguments, status=2):
        received, output, errors = trained.inside(capfd, *arguments)
        assert received == status, errors
        assert output == ""
        (line,) = errors.splitlines()
        assert line.startswith("Error: ")
        return line

    return run


@pytest.fixture
def prints_config(capfd):
    """Runs `tfmeta train ... --print-config`; returns what it prints."""

    def run(*arguments):
        status, output, errors = trained.inside(capfd, "train", *arguments, "--print-config")
        assert (status, errors) == (0, "")
        return json.loads(output)

    return run
