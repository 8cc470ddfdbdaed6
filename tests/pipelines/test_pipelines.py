"""The pipelines without files of users' own: what each one's data is, and how it is split."""

import numpy as np
import pytest
from class_groups import are_disjoint, groups_of
from closeness import assert_close, assert_uniform, assert_within_chance

from tfmeta import UserError, pipelines
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines.sinusoid import Sinusoid
from tfmeta.reading.glyph_drawing import draw_glyphs

# Sinusoid


def waves(split="train", *, num_shots=10, num_queries=10, seed=0, count=2000):
    shape = EpisodeShape(1, num_shots, num_queries)
    episode = Sinusoid().draw(split, shape, seed)(0, count)
    return [tensor.numpy()[..., 0].astype(np.float64) for tensor in episode]


def fitted(x, y):
    """Amplitude and phase of each row, by least squares: A sin(x - p) is linear in sin x, cos x."""
    design = np.stack([np.sin(x), np.cos(x)], -1)
    sine, cosine = (np.linalg.pinv(design) @ y[..., np.newaxis])[..., 0].T
    return np.hypot(sine, cosine), np.arctan2(-cosine, sine)


def test_sinusoid_draws_amplitude_phase_and_inputs_as_the_paper_does():
    support_x, support_y, query_x, _ = waves()
    amplitude, phase = fitted(support_x, support_y)
    phase = np.where(phase < -np.pi / 2, phase + 2 * np.pi, phase)  # pi and -pi are one angle
    assert_uniform(amplitude, 0.1, 5.0)
    assert_uniform(phase, 0.0, np.pi)
    assert_uniform(support_x, -5.0, 5.0)
    assert_uniform(query_x, -5.0, 5.0)
    for other in (phase, support_x[:, 0]):
        assert_within_chance(np.corrcoef(amplitude, other)[0, 1], 0, 2000**-0.5)


def test_sinusoid_queries_are_of_the_wave_of_the_support():
    support_x, support_y, query_x, query_y = waves(num_queries=25, count=300)
    amplitude, phase = (part[:, np.newaxis] for part in fitted(support_x, support_y))
    assert_close(query_y, amplitude * np.sin(query_x - phase), dtype=np.float32)
    assert_close(support_y, amplitude * np.sin(support_x - phase), dtype=np.float32)


def test_sinusoid_shapes_and_facts():
    source = pipelines.build("sinusoid")
    episode = next(iter(source.episodes("train", EpisodeShape(1, 3, 7), num_tasks=4)))
    assert [tuple(t.shape) for t in episode] == [(4, 3, 1), (4, 3, 1), (4, 7, 1), (4, 7, 1)]
    assert {t.dtype.name for t in episode} == {"float32"}
    assert source.is_regression
    assert source.facts == type(source.facts).from_dict(source.facts.to_dict())
    assert (source.facts.input_shape, source.facts.target_size) == ((1,), 1)


def test_sinusoid_splits_and_seeds_are_streams_of_their_own():
    keys = [(s, seed) for s in ("train", "validation", "test", "all") for seed in (0, 1)]
    seen = {waves(split, seed=seed, count=1)[0].tobytes() for split, seed in keys}
    assert len(seen) == len(keys)


def test_a_sinusoid_episode_is_the_same_in_any_batch():
    for one, many in zip(waves(count=5), waves(count=9), strict=True):
        assert np.array_equal(one, many[:5])


@pytest.mark.parametrize(
    ("split", "shape", "message"),
    [
        ("train", EpisodeShape(5, 1, 1), r"is a regression: leave --ways"),
        ("train", EpisodeShape(1, 1, 1, within_group=True), r"--within-group out"),
        ("dev", EpisodeShape(1, 1, 1), r"unknown split 'dev'; expected one of: train, valid"),
    ],
)
def test_sinusoid_refuses_classes_and_unknown_splits(split, shape, message):
    with pytest.raises(UserError, match=message):
        Sinusoid().episodes(split, shape)


# Glyphs


@pytest.fixture(scope="module")
def glyphs():
    return pipelines.build("glyphs")


def test_glyphs_are_480_characters_of_20_drawers(glyphs):
    images, labels = glyphs.index.examples, glyphs.index.labels
    assert images.shape == (9600, 28, 28, 1)
    assert images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [20] * 480
    assert len(set(glyphs.index.class_names)) == 480
    assert glyphs.facts.input_format.shape == glyphs.input_shape == (28, 28, 1)
    ink = images.reshape(480, 20, -1).astype(float) / 255
    assert images.max() == 255
    assert images.min() == 0
    assert 0.02 < ink.mean(-1).min() < ink.mean(-1).max() < 0.4  # high ink on an empty ground
    assert len({image.tobytes() for image in images}) == 9600


def test_glyphs_are_split_by_alphabets(glyphs):
    alphabets = groups_of(glyphs)
    assert {s: len(a) for s, a in alphabets.items()} == {"train": 15, "validation": 3, "test": 6}
    assert are_disjoint(alphabets.values())
    assert sorted(np.concatenate(list(glyphs.index.splits.values()))) == list(range(480))
    names = np.array(glyphs.index.class_names)
    for alphabet in range(24):
        of_it = names[glyphs.index.groups == alphabet]
        assert len(of_it) == 20
        assert len({name.split("/")[0] for name in of_it}) == 1


def test_glyphs_depend_on_the_seed_alone(glyphs):
    again = pipelines.build("glyphs").index
    assert np.array_equal(again.examples, glyphs.index.examples)
    for split, classes in glyphs.index.splits.items():
        assert np.array_equal(again.splits[split], classes)
    other = pipelines.build("glyphs", options={"split_seed": 1, "rotations": True})
    assert not np.array_equal(other.index.examples, glyphs.index.examples)
    assert groups_of(other) != groups_of(glyphs)
    assert (glyphs.num_rotations, other.num_rotations) == (1, 4)


def test_more_glyphs_leave_the_first_ones_as_they_were():
    few = draw_glyphs(num_alphabets=1, characters_per_alphabet=2, num_drawers=2, size=16)
    more = draw_glyphs(num_alphabets=2, characters_per_alphabet=3, num_drawers=3, size=16)
    assert few.images.shape == (2, 2, 16, 16, 1)
    assert more.alphabets.tolist() == [0, 0, 0, 1, 1, 1]
    assert few.names == more.names[:2] == ("alphabet00/character00", "alphabet00/character01")
    assert np.array_equal(few.images, more.images[:2, :2])


@pytest.mark.parametrize(
    ("option", "value", "least"),
    [("num_alphabets", 0, 1), ("num_drawers", 1.5, 1), ("size", 7, 8), ("seed", -1, 0)],
)
def test_impossible_glyphs_are_refused(option, value, least):
    message = f"{option} must be an integer of at least {least}, got {value}"
    with pytest.raises(ValueError, match=message):
        draw_glyphs(**{option: value})


# Omniglot


def test_omniglot_that_is_missing_is_refused_with_the_folder(tmp_path):
    with pytest.raises(UserError, match=r"Omniglot is not in .*--data-dir, or fetch it") as refusal:
        pipelines.build("omniglot", data_dir=tmp_path / "empty")
    assert f"not in {tmp_path / 'empty'} " in str(refusal.value)
    assert not (tmp_path / "empty").exists()


def test_omniglot_has_two_splits():
    with pytest.raises(UserError, match=r"pipeline\.split=letters; expected 'characters' or"):
        pipelines.build("omniglot", options={"split": "letters"})
