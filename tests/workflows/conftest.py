"""What the tests of the workflows share."""

from pathlib import Path

import pytest


@pytest.fixture
def unexported(monkeypatch):
    """Leaves out the exports of `learn`, for tests of what it says of the data."""
    from tfmeta.workflows.learnable import classes, values

    def paths(learner, folder, **_):
        return folder / "1", Path(f"{folder}-learner") / "1"

    for kind in (classes, values):
        monkeypatch.setattr(kind, "export_both", paths)
