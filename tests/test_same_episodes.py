"""Omniglot by three pipelines, in memory and streamed: the same episodes, the same accuracy."""

import json
import os

import pytest
from click.testing import CliRunner

from tfmeta.cli import main

# The split of the papers, for pipelines that know of none: as many classes, by the same draw.
AS_OMNIGLOT = "--set pipeline.split_by=class --set pipeline.validation=100 --set pipeline.test=423"


def write_folder(root, data_dir):
    """The files as TFDS holds them, an alphabet a group.

    Classes are numbered by the order of their folders' names, and TFDS has an order of its own:
    the names here begin with their numbers.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder("omniglot", data_dir=data_dir)
    names = {n: builder.info.features[n].names for n in ("label", "alphabet")}
    decoders = {"image": tfds.decode.SkipDecoding()}
    numbers, first_of = {}, {}
    for part in ("train", "test"):
        dataset = builder.as_dataset(split=part, decoders=decoders)
        for each in dataset.as_numpy_iterator():
            label, alphabet = int(each["label"]), int(each["alphabet"])
            first_of[alphabet] = min(label, first_of.get(alphabet, label))
            numbers.setdefault((alphabet, label), []).append(each["image"])
    for (alphabet, label), files in numbers.items():
        group = f"{first_of[alphabet]:04d} {names['alphabet'][alphabet]}"
        folder = root / group / f"{label:04d} {names['label'][label]}"
        folder.mkdir(parents=True)
        for number, content in enumerate(files):
            (folder / f"{number:02d}.png").write_bytes(content)
    return root


@pytest.fixture(scope="module")
def results(tmp_path_factory, omniglot_dir):
    """What `evaluate` says of an Omniglot-trained learner on each pipeline, by a name for each."""
    data_dir = omniglot_dir
    home = tmp_path_factory.mktemp("omniglot")
    os.environ["TFMETA_CACHE"] = str(home / "cache")
    folder, run = write_folder(home / "files", data_dir), home / "run"
    invoke = CliRunner().invoke
    train = f"train omniglot --data-dir {data_dir} --algorithm prototypical --steps 3"
    options = "--set train_ways=10 --set network.filters=8 --set validation_tasks=0"
    done = invoke(main, f"{train} {options} --run-dir {run}")
    assert done.exit_code == 0, done.output
    pipelines = {
        "omniglot": f"--data-dir {data_dir} --set pipeline.rotations=false",
        "tfds": f"--pipeline tfds:omniglot --data-dir {data_dir} {AS_OMNIGLOT}",
        "folder": f"--pipeline image-folder --data-dir {folder} {AS_OMNIGLOT}",
        "streamed": (
            f"--pipeline image-folder --data-dir {folder} {AS_OMNIGLOT} --set pipeline.stream=true"
        ),
    }
    found = {}
    for name, options in pipelines.items():
        done = invoke(main, f"evaluate {run} {options} --tasks 60 --queries 5 --json")
        assert done.exit_code == 0, done.output
        found[name] = json.loads(done.stdout)
    del os.environ["TFMETA_CACHE"]
    return found


@pytest.mark.parametrize("pipeline", ["tfds", "folder", "streamed"])
def test_the_same_episodes_and_the_same_accuracy(results, pipeline):
    expected, received = results["omniglot"], results[pipeline]
    assert received["episodes_sha256"] == expected["episodes_sha256"]
    assert received["accuracy"] == expected["accuracy"]
    assert expected["accuracy"] > 0.3
    assert expected["pipeline"] == "omniglot" != received["pipeline"]
