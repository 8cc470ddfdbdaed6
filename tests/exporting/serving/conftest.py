"""Models that are served while the tests of the protocol run."""

import shutil

import pytest
import trained
from served_models import double


@pytest.fixture(scope="session")
def learner():
    with double(trained.learner_export(), "--label", "stable=1") as served:
        yield served


@pytest.fixture(scope="session")
def adapted_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    for version in ("1", "9", "10"):
        shutil.copytree(trained.adapted_export() / "1", folder / version)
    return folder


@pytest.fixture(scope="session")
def adapted(adapted_folder):
    with double(adapted_folder) as served:
        yield served


@pytest.fixture(scope="session")
def batching():
    """A regression model whose batches wait for three tasks, far longer than any test does."""
    options = ["--enable-batching", "--pad", "--batch-size", "3", "--timeout-ms", "600000"]
    with double(trained.sinusoid_export(), *options) as served:
        yield served
