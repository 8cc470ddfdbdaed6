"""A run, the tasks that are solved from it, and a run that is trained on them."""

import pytest
import trained
from solved_tasks import FITTED, OPTIONS, START, train

from tfmeta.pipelines import build
from tfmeta.training.plan import Plan
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("optima")


@pytest.fixture(scope="session")
def start(folder):
    plan = Plan.make(Settings().updated(START))
    run = RunDirectory.create(folder / "start", plan.settings, plan.source.facts.to_dict())
    run.save_checkpoint(plan.build_learner(), 2, minutes=0)  # as good as any
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
