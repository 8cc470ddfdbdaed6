"""Episodes as people see them, and numbers with the ways of their episodes."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.episodes.target_kind import CLASSES, VALUES
from tfmeta.pipelines import build
from tfmeta.training.board.confusion_picture import confusion_picture
from tfmeta.training.board.curve_picture import curve_picture
from tfmeta.training.board.episode_picture import RIGHT, WRONG, episode_picture
from tfmeta.training.board.shown_episodes import ShownEpisodes
from tfmeta.training.named_numbers import in_words, tag_of
from tfmeta.training.progress import Progress

COLOURS = {"red": "red as fire", "blue": "blue like the sea", "green": "green grass"}


def shown(source, **shape):
    return ShownEpisodes(FixedEpisodes(source, EpisodeShape(**shape), "all", 2))


def test_texts_are_shown_as_they_were_written(tmp_path):
    rows = [f"{name},{words} number {n}" for name, words in COLOURS.items() for n in range(6)]
    (tmp_path / "texts.csv").write_text("\n".join(["label,text", *rows]) + "\n")
    episodes = shown(build("text", data_dir=tmp_path / "texts.csv"), num_ways=3, num_queries=2)
    assert not episodes.has_pictures
    for number, (task, names) in enumerate(zip(episodes.tasks, episodes.names, strict=True)):
        for part, words in zip(("support", "query"), episodes.words(number), strict=True):
            labels = getattr(task, f"{part}_y")
            assert len(words) == len(labels)
            for label, text in zip(labels, words, strict=True):
                assert text.startswith(f"{COLOURS[names[label]]} number ")


def test_numbers_are_shown_as_numbers_and_pictures_as_pictures():
    values = shown(build("sinusoid"), num_ways=1, num_shots=3, num_queries=2)
    assert (values.are_curves, values.names) == (True, None)
    assert values.words(1)[0] == [f"{x:.4g}" for x in values.tasks[1].support_x[:, 0]]
    images = shown(build("glyphs"), num_ways=4, num_queries=1)
    assert images.has_pictures
    assert [len(names) for names in images.names] == [4, 4]


def has(picture, colour, columns):
    """Whether a colour is in a part of a picture."""
    pixels = np.asarray(picture)[:, columns]
    return bool((pixels == colour).all(-1).any())


def test_a_wrong_answer_has_another_edge_than_a_right_one():
    x = np.full((2, 8, 8, 1), 0.5, np.float32)
    labels = np.arange(2)
    task = Episode(x, labels, x, labels)
    right = episode_picture(task, labels, ["a", "b"], np.array([0.9, 0.8]))
    wrong = episode_picture(task, np.array([0, 0]), ["a", "b"], np.array([0.9, 0.8]))
    everywhere = slice(None)
    assert has(right, RIGHT, everywhere)
    assert not has(right, WRONG, everywhere)
    assert has(wrong, RIGHT, everywhere)
    assert has(wrong, WRONG, everywhere)


def test_the_confusion_is_darkest_where_most_answers_are():
    names = [f"{letter} has a long name that needs room" for letter in "abcde"]
    said = [1, 1, 0, 4, 3]  # of most of each class; the others are called right
    pairs = [(names[right], names[answer]) for right, answer in enumerate(said)] * 3
    pairs += [(name, name) for name in names]
    pixels = np.asarray(confusion_picture(pairs).convert("L")).astype(int)
    cells = pixels[-5 * 34 - 6 : -6, -5 * 34 - 6 : -6].reshape(5, 34, 5, 34).mean((1, 3))
    assert cells.argmin(1).tolist() == said
    assert (cells[1] == 255).sum() == 0  # each cell has an edge


def test_a_curve_shows_what_is_learned_and_what_is_said():
    x = np.linspace(-1, 1, 9, dtype=np.float32)[:, np.newaxis]
    task = Episode(x[::4], x[::4] ** 2, x, x**2)
    far, near = (np.asarray(curve_picture(task, answers)) for answers in (-(x**2), x**2))
    assert far.shape == near.shape
    assert (far != near).any()
    flat = curve_picture(task._replace(support_y=x[::4] * 0, query_y=x * 0), x * 0)
    assert isinstance(flat, Image.Image)  # a target that never changes has an axis too


@pytest.mark.parametrize(
    ("name", "kind", "tag", "words"),
    [
        ("accuracy", CLASSES, "train/accuracy_60way", "60-way accuracy"),
        ("loss", CLASSES, "train/loss_60way", "60-way loss"),
        (
            "validation_accuracy",
            CLASSES,
            "validation/accuracy_2-5way",
            "2-5-way validation accuracy",
        ),
        ("learning_rate", CLASSES, "train/learning_rate", "learning rate"),
        ("validation_mse", VALUES, "validation/mse", "validation mse"),
    ],
)
def test_each_number_is_named_with_its_ways(name, kind, tag, words):
    plan = SimpleNamespace(
        source=SimpleNamespace(target_kind=kind),
        training_shape=EpisodeShape(num_ways=60),
        task_shape=EpisodeShape(num_ways=(2, 5)),
    )
    assert (tag_of(name, plan), in_words(name, plan)) == (tag, words)


def test_a_line_of_progress_says_what_it_was_told(caplog):
    caplog.set_level(logging.INFO, logger="tfmeta")
    progress = Progress("train")
    progress.call({"accuracy": "60-way accuracy"})
    progress.window({"step": 7, "accuracy": 0.5, "mae": 2.0, "learning_rate": 1.0}, 0.0, 1.0)
    assert caplog.messages == ["train  100%  step 7  60-way accuracy 0.5  mae 2"]
