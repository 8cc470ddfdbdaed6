"""A run, the tasks that are solved from it, and a run that is trained on them."""

import pytest
import trained
from solved_tasks import FITTED, OPTIONS, START, train

from tfmeta.pipelines import build
from tfmeta.training.building import build_learner, open_source, resolve
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("optima")


@pytest.fixture(scope="session")
def start(folder):
    settings = Settings().updated(START)
    source = open_source(settings)
    settings = resolve(settings, source)
    run = RunDirectory.create(folder / "start", settings, source.facts.to_dict())
    run.save_checkpoint(build_learner(settings, source), 2, minutes=0)  # as good as any
    return folder / "start"


@pytest.fixture(scope="session")
def file(folder, start):
    trained.call("optima", start, *OPTIONS, "--output", folder / "solved")
    return folder / "solved"


@pytest.fixture(scope="session")
def fitted(folder, file):
    train(folder / "fitted", {**FITTED, "pipeline.file": str(file)})
    return folder / "fitted"


@pytest.fixture
def source(file):
    return build("optima", options={"file": str(file)})
