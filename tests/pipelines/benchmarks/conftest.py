"""Published splits of a few invented classes, and a folder for their images."""

from dataclasses import replace

import pytest
from benchmark_layouts import CIFAR, MINI

from tfmeta.pipelines import cifar_fs, mini_imagenet


@pytest.fixture(autouse=True)
def invented(monkeypatch, tmp_path):
    """Published splits of few classes."""
    monkeypatch.setenv("TFMETA_CACHE", str(tmp_path / "cache"))
    for module, name, splits in (
        (mini_imagenet, "MINI_IMAGENET", MINI),
        (cifar_fs, "CIFAR_FS", CIFAR),
    ):
        monkeypatch.setattr(module, name, replace(getattr(module, name), standard=splits))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "above" / "root"
    folder.mkdir(parents=True)
    return folder
