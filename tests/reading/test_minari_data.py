"""Data sets that Minari itself made, beside the same trajectories in arrays."""

import json
import sys
import warnings

import numpy as np
import pytest
from drifting import LENGTH, PUSH, arrays

from tfmeta import UserError
from tfmeta.pipelines.transitions import build
from tfmeta.reading.minari_data import minari_columns, minari_folder

if sys.version_info < (3, 11):
    pytest.skip("Minari needs Python 3.11", allow_module_level=True)
gymnasium, minari = pytest.importorskip("gymnasium"), pytest.importorskip("minari")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of each condition, three episodes each."""
    folder = tmp_path_factory.mktemp("minari")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Minari's, about an author and a description
        patch.setenv("MINARI_DATASETS_PATH", str(folder))
        for condition in PUSH:
            make(f"drift/{condition}-v0", arrays()["condition"] == condition)
        image = gymnasium.spaces.Box(0, 255, (8, 8), np.uint8)
        make("drift/pictures-v0", None, image)
    return folder


def make(name, rows, space=None):
    found = arrays()
    pieces = [] if rows is None else np.split(np.flatnonzero(rows), 3)
    buffers = [
        minari.data_collector.EpisodeBuffer(
            id=number,
            observations=np.concatenate(
                [found["observations"][piece], found["next_observations"][piece[-1:]]]
            ).astype(np.float32),
            actions=found["actions"][piece].astype(np.float32),
            rewards=[0.0] * LENGTH,
            terminations=[False] * LENGTH,
            truncations=[False] * (LENGTH - 1) + [True],
        )
        for number, piece in enumerate(pieces)
    ]
    box = gymnasium.spaces.Box(-999, 999, (2,))
    spaces = {"observation_space": space or box, "action_space": gymnasium.spaces.Box(-9, 9, (1,))}
    minari.create_dataset_from_buffers(name, buffers, data_format="hdf5", **spaces)


NAMES = [f"drift/{condition}-v0" for condition in PUSH]


def test_the_trajectories_are_those_of_the_arrays(tmp_path, folder):
    found = arrays()
    changed = {name: found[name] for name in ("trajectory", "condition")}
    for name in ("observations", "next_observations", "actions"):
        changed[name] = arrays()[name].astype(np.float32)
    np.savez(tmp_path / "log.npz", **changed)
    options = {"validation": 1, "test": 1}
    both = [
        build(data_dir=tmp_path, **options),
        build(data_dir=folder, minari=",".join(NAMES), **options),
    ]
    np.testing.assert_array_equal(*(source.index.examples for source in both))
    np.testing.assert_array_equal(*(source.trajectories.changes for source in both))
    conditions = [source.trajectories.conditions.tolist() for source in both]
    assert conditions[1] == [f"drift/{name}-v0" for name in conditions[0]]


def test_without_a_folder_it_is_minaris_own(monkeypatch, tmp_path):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    assert minari_folder(None) == tmp_path
    assert minari_folder("there").name == "there"


def test_what_is_not_there_or_no_vector_is_refused(folder):
    with pytest.raises(UserError, match=r"no data set drift/fog-v0 .* it has: drift/calm-v0, dri"):
        minari_columns(["drift/fog-v0"], folder)
    with pytest.raises(UserError, match=r"observation_space of drift/pictures-v0 is Box\(0, 255"):
        minari_columns(["drift/pictures-v0"], folder)
    for option in ({"file": "log.npz"}, {"actions": "torque"}):
        with pytest.raises(UserError, match=r"minari=.* with a file, or with names of a file's"):
            build(data_dir=folder, minari=NAMES, **option)
    with pytest.raises(UserError, match=r"has one condition, drift/calm-v0; expected two"):
        build(data_dir=folder, minari=NAMES[0])


def test_a_data_set_whose_environment_would_be_made_is_refused(tmp_path, folder):
    """Minari asks the environment that the file names for its spaces; that runs code."""
    place = tmp_path / "drift" / "ice-v0" / "data"
    place.mkdir(parents=True)
    for file in (folder / "drift" / "ice-v0" / "data").iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    facts = json.loads((place / "metadata.json").read_text())
    del facts["action_space"]
    (place / "metadata.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"ice-v0 does not say its action_space; expected one mad"):
        minari_columns(["drift/ice-v0"], tmp_path)
    (place / "metadata.json").write_text("{")
    with pytest.raises(UserError, match=r"cannot read the data set drift/ice-v0"):
        minari_columns(["drift/ice-v0"], tmp_path)
