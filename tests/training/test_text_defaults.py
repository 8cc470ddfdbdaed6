"""What texts are learned by for who names nothing of the learning."""

import pytest

from tfmeta import network_registry
from tfmeta.network_registry import suited_options
from tfmeta.training.settings import Settings


@pytest.fixture(params=[True, False])
def is_installed(request, monkeypatch):
    """Whether the package of MiniLM's weights seems to be there."""
    monkeypatch.setattr(network_registry, "is_installed", lambda package: request.param)
    return request.param


def of(**flat):
    settings = Settings.of_new_run({"pipeline": "text", **flat})
    return settings.algorithm, settings.network, settings.train, settings.steps


def test_the_network_follows_from_what_is_installed(is_installed):
    expected = ("ridge", "minilm", "head", 300) if is_installed else ("ridge", "auto", None, 800)
    assert of() == expected
    assert of(steps=7) == (*expected[:3], 7)


def test_naming_a_part_of_the_learning_takes_the_rest_away(is_installed):
    assert of(algorithm="maml") == ("maml", "auto", None, None)
    assert of(network="text_conv") == ("ridge", "text_conv", None, None)
    assert Settings.of_new_run({"pipeline": "glyphs"}).algorithm == "maml"


def test_minilm_takes_its_own_tokens():
    assert suited_options("minilm") == {"tokenizer": "wordpiece"}
    assert suited_options("bag_of_ngrams") == {}
