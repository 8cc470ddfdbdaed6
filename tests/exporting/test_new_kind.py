"""A kind of export is one file and one row: a copy of tfmeta with a further one exports with it."""

import json
import shutil
import sys
from pathlib import Path

import model_answers
import pytest
import trained

import tfmeta
from tfmeta import pipelines

KIND = '''
"""`once`: the model answers a support set and queries, and shows no task state."""

from tfmeta.exporting.kinds.export_kind import ExportKind, Part, Signature

ONCE = ExportKind(
    name="once",
    summary="answers, and shows no task state",
    description="It answers a support set and queries at once.",
    signatures=(Signature("classify", (Part.SUPPORT, Part.QUERIES), Part.ANSWER),),
    notes="It keeps the task's state to itself.",
)
'''
EXPORT = """
import sys
import tfmeta

tfmeta.configure_runtime()
learner = tfmeta.Prototypical(tfmeta.networks.mlp((3,), None, units=(4,)))
print(learner.export(sys.argv[1], kind="once"))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder of a copy of tfmeta that has the kind."""
    root = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(tfmeta.__file__).parent, root / "tfmeta", ignore=ignored)
    sources = Path(pipelines.__file__).parent
    shutil.copytree(sources, root / "tfmeta/pipelines", ignore=ignored, dirs_exist_ok=True)
    kinds = root / "tfmeta/exporting/kinds"
    (kinds / "once.py").write_text(KIND)
    table = (kinds / "__init__.py").read_text()
    row = "        GENERATOR,\n"
    assert row in table
    table = table.replace(row, f"{row}        ONCE,\n")
    (kinds / "__init__.py").write_text(
        table.replace("KINDS", "from tfmeta.exporting.kinds.once import ONCE\n\nKINDS", 1)
    )
    return root


@pytest.fixture(scope="module")
def version(package, tmp_path_factory):
    """An export of the kind."""
    output = tmp_path_factory.mktemp("exported") / "once"
    done = trained.run([sys.executable, "-c", EXPORT, output], cwd=package)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_the_export_has_what_the_file_says(version):
    facts = json.loads((version / "tfmeta.json").read_text())
    assert facts["kind"] == "once"
    support = {"support_x": "float32[None, None, 3]", "support_y": "int32[None, None]"}
    inputs = {**support, "query_x": "float32[None, None, 3]"}
    answer = {
        "probabilities": "float32[None, None, None]",
        "label": "int32[None, None]",
        "unknown": "float32[None, None]",
    }
    signatures = model_answers.signatures(version)
    assert signatures == dict.fromkeys(("classify", "serving_default"), (inputs, answer))
    text = (version / "README.md").read_text()
    assert "It answers a support set and queries at once." in text
    assert "It keeps the task's state to itself." in text
    assert "- `classify` (`serving_default`): " in text


def test_the_export_passes_every_check(package, version):
    verifier = [sys.executable, "-m", "tfmeta.exporting.verifying.verifier", version]
    done = trained.run(verifier, cwd=package)
    report = json.loads(done.stdout)
    assert report["ok"], report
    assert len(report["checks"]) == 9


def test_a_tfmeta_without_the_kind_refuses_the_export(version):
    done = trained.tfmeta("verify", version, "--json")
    (failed,) = [each for each in json.loads(done.stdout)["checks"] if not each["ok"]]
    assert 'kind is "once", expected one of learner, adapted, generator' in failed["detail"]


def test_the_command_line_knows_the_kind(package):
    done = trained.tfmeta("export", "--help", cwd=package)
    assert "once: answers, and shows no task state" in " ".join(done.stdout.split())
