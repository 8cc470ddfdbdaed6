"""Whether two sources draw the same examples, in whatever form the network sees them."""

import numpy as np
import pytest
from PIL import Image

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.inspection.identity import digest_as_given
from tfmeta.pipelines import build


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name in "abcdefghi":
        (path / name).mkdir()
        for number in range(4):
            pixels = rng.integers(0, 256, (16, 16), np.uint8)
            Image.fromarray(pixels).save(path / name / f"{number}.png")
    return path


def digest(folder, shape=(2, 1, 2), seed=0, **options):
    options = {"size": 8, "validation": 2, "test": 3, **options}
    source = build("image-folder", data_dir=folder, options=options)
    return digest_as_given(FixedEpisodes(source, EpisodeShape(*shape), "test", 10, seed))


def test_two_sizes_of_the_same_images_are_the_same_episodes(folder):
    assert digest(folder) == digest(folder, size=12) == digest(folder, invert=True)


def test_other_episodes_are_told_apart(folder, tmp_path):
    found = {
        digest(folder),
        digest(folder, seed=1),
        digest(folder, shape=(2, 2, 1)),
        digest(folder, split_seed=1),
    }
    assert len(found) == 4
    for name in "abcdefghi":
        (tmp_path / name).mkdir()
        for number in range(4):  # the names are the same, the pixels are not
            image = Image.open(folder / name / f"{number}.png").transpose(Image.Transpose.ROTATE_90)
            image.save(tmp_path / name / f"{number}.png")
    assert digest(tmp_path) not in found


def test_examples_that_are_not_known_as_given_have_no_digest(tiny_source):
    shape = EpisodeShape(2, 1, 1)
    for source in (tiny_source, build("sinusoid")):
        assert digest_as_given(FixedEpisodes(source, shape, "test", 2)) is None
