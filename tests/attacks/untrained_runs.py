"""A run's files without its training, and processes that work on them."""

import subprocess
import sys

import trained

from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings

FACTS = {"name": "glyphs", "input_shape": [28, 28, 1], "image_format": None, "target_size": None}
SPLITS = {"train": ["a", "b"], "test": ["c"]}
LINES = [{"step": step, "loss": 1.0 / step} for step in (4, 8, 12, 16, 20, 24)]
RESULT = {
    **{"split": "test", "mode": "inductive", "pipeline": "glyphs", "within_group": False},
    **{"num_tasks": 600, "num_ways": 5, "num_shots": 1, "num_queries": 15, "ci95": 0.004},
    **{"seed": 0, "step": 20, "episodes_sha256": "0" * 64},
}
START = f"""
import sys
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
RunDirectory.create(sys.argv[1], Settings(pipeline="glyphs"), {FACTS}, {SPLITS})
"""


def create(path):
    return RunDirectory.create(path, Settings(pipeline="glyphs"), FACTS, SPLITS)


def python(program, *arguments, **environment):
    return trained.run([sys.executable, "-c", program, *arguments], **environment)


def started(program, *arguments):
    """A process, once it has said its first line."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process
