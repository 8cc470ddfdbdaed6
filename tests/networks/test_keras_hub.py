"""KerasHub's networks, on presets that the tests make: as KerasHub itself prepares and computes."""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from closeness import assert_close

import tfmeta
from tfmeta.named_code import from_file
from tfmeta.network_registry import FAMILIES
from tfmeta.networks import keras_hub

IMAGES = np.random.default_rng(0).random((2, 28, 28, 3), dtype=np.float32)
SCALE, OFFSET = [0.02, 0.015, 0.01], [-2.0, -1.5, -1.0]


@pytest.fixture(scope="module")
def hub():
    """KerasHub is large, and no part of what the tests need: they run where it is installed."""
    return pytest.importorskip("keras_hub", reason="needs pip install 'tfmeta[hub]'")


@pytest.fixture(scope="module")
def preset(hub, tmp_path_factory):
    """A small DINOv2, with the image converter that scales its pixels."""
    folder = str(tmp_path_factory.mktemp("preset"))
    keras.utils.set_random_seed(0)
    sizes = {"image_shape": (28, 28, 3), "position_embedding_shape": (28, 28)}
    backbone = hub.models.DINOV2Backbone(14, 2, 8, 2, 16, **sizes)
    backbone.save_to_preset(folder)
    converter = hub.layers.DINOV2ImageConverter(image_size=(28, 28), scale=SCALE, offset=OFFSET)
    converter.save_to_preset(folder)
    return folder, backbone, converter


@pytest.mark.parametrize("pool", ["mean", "first"])
def test_its_features_are_those_of_kerashub_on_converted_pixels(pool, preset):
    folder, backbone, converter = preset
    tokens = backbone.predict_on_batch({"images": np.asarray(converter(255 * IMAGES))})
    assert tokens.shape == (2, 1 + 4, 8)
    expected = tokens.mean(1) if pool == "mean" else tokens[:, 0]
    network = keras_hub(folder, (28, 28, 3), pool=pool)
    assert_close(network(IMAGES).numpy(), expected)
    assert keras_hub(folder, (9, 8, 1), 4).output_shape == (None, 4)


def test_the_listing_says_how_large_dinov2_small_is(hub):
    sizes = {"image_shape": (224, 224, 3), "position_embedding_shape": (518, 518)}
    small = hub.models.DINOV2Backbone(14, 12, 384, 6, 4 * 384, **sizes)
    assert FAMILIES["keras-hub"].num_parameters == small.count_params()


def test_maps_are_averaged_over_their_positions(hub, tmp_path):
    backbone = hub.models.VGGBackbone([1, 1], [4, 6], image_shape=(28, 28, 3))
    backbone.save_to_preset(str(tmp_path))
    hub.layers.VGGImageConverter(image_size=(28, 28), scale=1 / 255).save_to_preset(str(tmp_path))
    expected = backbone.predict_on_batch(IMAGES).mean((1, 2))
    assert_close(keras_hub(str(tmp_path), (28, 28, 3))(IMAGES).numpy(), expected)
    with pytest.raises(ValueError, match="pool='first' for a network without tokens"):
        keras_hub(str(tmp_path), (28, 28, 3), pool="first")


def test_a_run_trains_it_by_its_folder_and_needs_trust_later(preset, tmp_path):
    run = tmp_path / "run"
    options = {"steps": 1, "meta_batch": 1, "validation_tasks": 0, "train_ways": 5, "queries": 1}
    name = f"keras-hub:{preset[0]}"
    tfmeta.train("glyphs", algorithm="prototypical", network=name, run_dir=run, **options)
    learner = tfmeta.load(run, trust=True)
    assert learner.network.output_shape == (None, 8)
    assert tfmeta.evaluate(run, tasks=2, trust=True)
    assert json.loads((run / "config.json").read_text())["network"] == name


def test_what_is_no_preset_is_refused_in_one_line(hub, tmp_path):
    with pytest.raises(tfmeta.UserError, match=r"'.*nothing' of KerasHub cannot be loaded as a"):
        keras_hub(str(tmp_path / "nothing"), (28, 28, 3))
    with pytest.raises(ValueError, match="received pool='last'; expected 'mean' or 'first'"):
        keras_hub("dinov2_small", pool="last")


@pytest.mark.attack(
    "a folder of a KerasHub preset that names a class of another package",
    "refused by its name; nothing of it is imported",
)
def test_a_preset_that_asks_for_other_code_is_refused(preset, tmp_path):
    config = json.loads((Path(preset[0]) / "config.json").read_text())
    config |= {"module": "subprocess", "class_name": "Popen", "registered_name": None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(tfmeta.UserError, match="asks for the class 'Popen' of subprocess"):
        keras_hub(str(tmp_path), (28, 28, 3))


@pytest.mark.attack(
    "a run whose settings name a preset of KerasHub", "refused by name; nothing is downloaded"
)
def test_a_strangers_settings_name_no_preset(hub):
    with pytest.raises(tfmeta.UserError, match=r"config\.json asks for the preset 'hf://them/it'"):
        keras_hub(from_file("hf://them/it", "config.json"), (28, 28, 3))


def test_without_kerashub_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(tfmeta.UserError, match=r"needs keras-hub: pip install 'tfmeta\[hub\]'"):
        keras_hub("dinov2_small")
