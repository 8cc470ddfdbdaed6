"""`tfmeta derive` on runs: what it takes, writes and refuses."""

import json

import keras
import numpy as np
import pytest
import trained
from verified import failures

import tfmeta
from tfmeta.errors import UserError
from tfmeta.networks.found_structure import drawn, mixed_operations
from tfmeta.workflows import derive

OPERATIONS = ["none", "max_pool_3x3", "sep_conv_3x3"]
SEARCH = {
    "pipeline": "glyphs",
    "algorithm": "prototypical",
    "network": "search_cells",
    "network_options": {"channels": 2, "num_cells": 1, "operations": OPERATIONS},
    **{"ways": 2, "queries": 1, "train_ways": 2, "meta_batch": 2, "validation_tasks": 0},
    "steps": 4,
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    return tfmeta.train(run_dir=tmp_path_factory.mktemp("searched") / "run", **SEARCH).path


def strongest(run):
    """The structure as the weights of the run's file have it, read by Keras."""
    network = tfmeta.load(run, checkpoint="last").network
    layers = [layer for layer in network.layers if layer.name.startswith("structure_")]
    found = {layer.name: layer.weights[0].numpy()[1:] for layer in layers}  # without "none"
    return {name[10:]: OPERATIONS[1:][int(np.argmax(w))] for name, w in found.items()}


def test_the_file_is_the_network_of_the_largest_shares(searched, tmp_path, capfd):
    file = tmp_path / "network.keras"
    status, out, err = trained.inside(capfd, "derive", searched, "--output", file, "--json")
    facts = json.loads(out)
    assert (status, facts["checkpoint"], facts["step"]) == (0, "last", 4)
    assert {each["place"]: each["operation"] for each in facts["structure"]} == strongest(searched)
    assert facts["files"] == [str(file), str(file.with_suffix(".svg"))]
    assert f"wrote {file}" in err
    network = keras.models.load_model(file)
    names = {layer.name for layer in network.layers}
    expected = {
        f"cell1_{place}_{operation}_norm" for place, operation in strongest(searched).items()
    }
    assert expected <= names
    assert facts["cost"]["parameters"] == network.count_params() <= facts["reference"]["parameters"]
    picture = file.with_suffix(".svg").read_text()
    assert all(picture.count(f">{each}</text>") for each in strongest(searched).values())


def test_a_structure_may_be_drawn_in_place_of_it(searched):
    derived = tfmeta.derive(searched, random=5, seed=1, parameters=3000)
    layers = mixed_operations(tfmeta.networks.search_cells(**SEARCH["network_options"]))
    expected = {choice.place: choice.operation for choice in drawn(layers, 5)}
    structure = derived.facts["structure"]
    assert {each["place"]: each["operation"] for each in structure} == expected
    assert all(each["share"] is None for each in structure)
    assert derived.network.count_params() <= 3000
    assert "drawn at random, seed 5" in str(derived)
    other = tfmeta.derive(searched, random=5, seed=2, parameters=3000)
    kernels = [each.network.get_layer("stem_conv").kernel.numpy() for each in (derived, other)]
    assert np.any(kernels[0] != kernels[1])


@pytest.mark.slow
def test_a_run_with_it_is_exported_and_passes_verify(searched, tmp_path):
    file = tmp_path / "network.keras"
    tfmeta.derive(searched, output=file, parameters=1000)
    options = {name: value for name, value in SEARCH.items() if name != "network_options"}
    run = tfmeta.train(run_dir=tmp_path / "run", **{**options, "network": str(file)})
    version = tfmeta.export(run, output=tmp_path / "exported", calibration_tasks=0)
    assert failures(version.parent) == {}


@pytest.mark.fault("`tfmeta derive` on a run that searched for nothing", "refused by its network")
def test_a_run_that_does_not_search_is_refused():
    with pytest.raises(UserError, match=r"searches for no structure; expected .*search_cells or"):
        tfmeta.derive(trained.sinusoid_run())


def test_a_structure_that_was_not_trained_is_refused(searched, monkeypatch):
    fresh = tfmeta.networks.search_cells(**SEARCH["network_options"])
    monkeypatch.setattr(derive, "load_run", lambda *_: (fresh, 1))
    with pytest.raises(UserError, match=r"no structure was found in .*at step 1 .*--train all"):
        tfmeta.derive(searched)


def test_an_output_that_makes_no_sense_is_refused(searched, tmp_path):
    (tmp_path / "taken.svg").touch()
    for name, message in (
        ("network.h5", r"received output='.*network.h5'; expected a name that ends in .keras"),
        ("taken.keras", r"taken.svg exists and is never overwritten"),
    ):
        with pytest.raises(UserError, match=message):
            tfmeta.derive(searched, output=tmp_path / name)
    for options, message in (
        ({"parameters": 5}, r"cannot derive a network: received parameters=5; the network has"),
        ({"random": -1}, r"received random=-1; expected a whole number from 0 up"),
        ({"random": False}, r"received random=False; expected a whole number"),
        ({"random": 0, "checkpoint": "best"}, r"received random=0 and a checkpoint; expected one"),
        ({"parameters": 10**12}, r"expected a whole number of 4,294,967,295 at most"),
        ({"seed": "1"}, "received seed='1'"),
        ({"step": 1}, r"derive received step; expected some of: checkpoint, trust"),
        ({"checkpoint": "first"}, "received checkpoint='first'"),
    ):
        with pytest.raises(UserError, match=message):
            tfmeta.derive(searched, **options)


def test_a_seed_of_weights_that_are_not_written_is_refused(searched, capfd):
    status, _, err = trained.inside(capfd, "derive", searched, "--seed", 1)
    assert status == 2
    assert "received --seed 1 without --output" in err
