"""Omniglot, whose 32,460 files are decoded once."""

import functools

import pytest

from tfmeta.pipelines import build
from tfmeta.pipelines import omniglot as pipeline


@pytest.fixture(scope="package")
def built(omniglot_dir):
    """`built(split=..., rotations=...)`: the pipeline; a split and rotations change no file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "_read", functools.cache(pipeline._read))
        yield lambda **options: build("omniglot", data_dir=omniglot_dir, options=options)


@pytest.fixture(scope="package")
def omniglot(built):
    return built()
