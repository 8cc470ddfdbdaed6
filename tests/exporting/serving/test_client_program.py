"""The client beside an export, as a program that stands by itself."""

import ast
import shutil
import sys

import pytest
import trained
from served_models import CLIENT, NAME

from tfmeta.exporting.client import read_support

# The client as a program


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """`run(*arguments)` of a copy of the client that stands by itself."""
    folder = tmp_path_factory.mktemp("client")
    copy = shutil.copy(CLIENT, folder / "client.py")

    def run(*arguments):
        support, *images = trained.support_folder(), *trained.query_files()
        command = [sys.executable, copy, support, *images, "--model", NAME, *arguments]
        return trained.run(command, cwd=folder)

    return run


def test_the_program_prints_a_label_for_each_file(learner, program):
    support = read_support(trained.support_folder())[1]
    files = [path.read_bytes() for path in trained.query_files()]
    client = learner.client("rest")
    answers = client.predict("adapt_and_predict_bytes", {**support, "query_x_bytes": [files]})
    expected = "".join(
        f"{path}  {trained.CLASSES[row.argmax()]}  {row.max():.3f}\n"
        for path, row in zip(trained.query_files(), answers["probabilities"][0], strict=True)
    )
    over_rest = program("--rest", learner.rest)
    assert (over_rest.stdout, over_rest.stderr) == (expected, "")
    adapted_once = program("--rest", learner.rest, "--adapt-once", "--version", "stable")
    assert adapted_once.stdout == expected
    over_grpc = program("--grpc", learner.grpc, "--version", "1")
    assert over_grpc.stdout == expected, over_grpc.stderr


def test_the_program_says_what_the_server_refuses_in_a_line(learner, adapted, program):
    done = program("--rest", learner.rest, "--version", "7")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "HTTP 404: Servable not found" in done.stderr
    done = program("--rest", adapted.rest)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert '"adapt_and_predict_bytes" not found' in done.stderr


def test_the_client_needs_nothing_of_tfmeta():
    imported = set()
    for node in ast.walk(ast.parse(CLIENT.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    others = imported - sys.stdlib_module_names
    assert others == {"numpy", "grpc", "tensorflow", "tensorflow_serving"}
