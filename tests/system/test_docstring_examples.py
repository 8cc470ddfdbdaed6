"""The examples in the docstrings of what users call: each runs once, and gives what it shows."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfmeta

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
NAMES = {"keras": keras, "np": np, "tf": tf, "tfmeta": tfmeta}


def found_at(dotted):
    """The object of a dotted name of the reference."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            value = getattr(value, name)
        return value
    raise LookupError(dotted)


def documented():
    """Every class and function of the reference, and of `tfmeta.networks`, each once."""
    names = [n for page in REFERENCE.glob("*.md") for n in re.findall("::: (.+)", page.read_text())]
    names += [f"tfmeta.networks.{name}" for name in tfmeta.networks.NAMES]
    objects = {id(each): each for each in map(found_at, names) if not inspect.ismodule(each)}
    return list(objects.values())


def examples(value):
    """The docstrings with examples of an object, and of what its class defines itself."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    module = importlib.import_module(value.__module__)
    found = finder.find(value, value.__qualname__, module=module, globs={**vars(module), **NAMES})
    return [test for test in found if test.examples]


TESTS = {test.name: test for value in documented() for test in examples(value)}


@pytest.mark.parametrize("name", TESTS)
def test_an_example_gives_what_it_shows(name):
    runner, said = doctest.DocTestRunner(verbose=False), []
    runner.run(TESTS[name], out=said.append)
    assert runner.failures == 0, "".join(said)


def test_there_are_examples_to_run():
    assert {"MAML", "Prototypical", "EpisodeShape", "conv4"} <= set(TESTS)
