"""The types that a user's checker and editor see: the public names, their signatures, py.typed."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import tfmeta

ROOT = Path(tfmeta.__file__).parents[1]
# Right uses of the public names, and below them wrong ones with what is said of each.
SCRIPT = """
from pathlib import Path

import tfmeta

run = tfmeta.train("glyphs", ways=(3, 5), steps=10, run_dir=Path("runs/typed"))
step: int = run.step
result = tfmeta.evaluate(run, tasks=20)
accuracy: float | None = result.accuracy
version: Path = tfmeta.export(run, output="exported/typed", kind="learner")
report = tfmeta.verify(version)
failed: list[str] = [check["check"] for check in report.checks if not check["ok"]]
labels: list[str] = [p.label for p in tfmeta.predict(version, ["a.png"], support="five")]
learner: tfmeta.MetaLearner = tfmeta.load(run)
network = tfmeta.networks.conv4(input_shape=(28, 28, 1), num_outputs=5)
shape = tfmeta.EpisodeShape(num_ways=5, num_shots=1, num_queries=15)
refusals: list[str] = tfmeta.inspect("glyphs").refusals
"""
MISTAKES = {
    "tfmeta.verify(3)": 'Argument 1 to "verify" has incompatible type "int"',
    "run.steps": '"Run" has no attribute "steps"',
    "tfmeta.predict(version)": 'Missing positional argument "images"',
    "tfmeta.Prototypo": 'Module has no attribute "Prototypo"',
}


def checked(script, folder):
    """What a strict mypy finds in a script, run as a user would run it."""
    (folder / "script.py").write_text(script)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder, "script.py"]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    # Keras and TensorFlow have no types; what mypy says of tfmeta's own files is for `make lint`.
    return [line for line in done.stdout.splitlines() if line.startswith("script.py")]


def test_of_a_users_script_the_mistakes_are_found_and_nothing_else(tmp_path):
    found = checked(SCRIPT + "\n".join(MISTAKES), tmp_path)
    assert len(found) == len(MISTAKES), found
    first = SCRIPT.count("\n") + 1
    for number, (line, error) in enumerate(zip(found, MISTAKES.values(), strict=True), first):
        assert line.startswith(f"script.py:{number}: ")
        assert error in line


def test_the_names_for_checkers_are_those_of_the_package():
    stub = ast.parse((ROOT / "tfmeta" / "__init__.pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    homes = {alias.asname: node.module for node in imports for alias in node.names}
    assert set(homes) == set(tfmeta.__all__)
    assert homes.pop("networks") == "tfmeta"
    for name, home in homes.items():
        assert getattr(tfmeta, name).__module__ == home, name
