"""Examples as people see them, against the files that they come from and another decoder."""

import base64
import io

import numpy as np
from intents import intents, write_intents
from PIL import Image
from recordings import make_sounds

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.pipelines import build
from tfmeta.reporting.shown_tasks import shown_tasks


def fixed(source, **shape):
    return FixedEpisodes(source, EpisodeShape(3, 2, 1, **shape), num_tasks=4)


def image(cell):
    kind, _, content = cell.picture.partition(";base64,")
    return kind, Image.open(io.BytesIO(base64.b64decode(content)))


def test_texts_are_shown_as_they_were_given(tmp_path):
    label_of = dict(intents())
    tests = fixed(build("text", data_dir=write_intents(tmp_path / "intents.csv")))
    names = tests.source.names_of_classes("test", tests.shape, 0, 4)
    for task in shown_tasks(tests, [3, 1]):
        labels = [names[task.number][label] for label in task.episode.support_y]
        assert [label_of[cell.words] for cell in task.support] == labels
        assert len({cell.words for cell in (*task.support, *task.queries)}) == 9


def test_sounds_are_shown_as_spectrograms_with_high_tones_above(tmp_path):
    make_sounds(tmp_path, groups=3, classes=3, sounds=4)
    source = build("audio-folder", data_dir=tmp_path)
    (task,) = shown_tasks(fixed(source), [0])
    least, most = source.input_format.value_range
    for cell, x in zip(task.support, task.episode.support_x, strict=True):
        kind, picture = image(cell)
        assert kind == "data:image/png"
        expected = np.round(255 * ((x[..., 0].T[::-1] - least) / (most - least)))
        np.testing.assert_array_equal(picture, expected.astype(np.uint8))


def test_tasks_come_in_the_order_asked_for_with_the_very_pixels(tiny_source):
    tests = fixed(tiny_source)
    (batch,) = tests.batches(4)
    for task, number in zip(shown_tasks(tests, [2, 0]), (2, 0), strict=True):
        assert task.number == number
        for cell, x in zip(task.queries, batch.query_x.numpy()[number], strict=True):
            kind, picture = image(cell)
            assert kind == "data:image/png"
            np.testing.assert_array_equal(picture, np.round(255 * x[..., 0]).astype(np.uint8))


def test_episodes_of_several_sizes_are_shown_without_padding(tiny_source):
    tests = FixedEpisodes(tiny_source, EpisodeShape((2, 4), (1, 3), 1), num_tasks=6)
    shown = shown_tasks(tests, range(6))
    (batch,) = tests.batches(6)
    assert [len(task.support) for task in shown] == batch.support_size.numpy().tolist()
    assert len({len(task.support) for task in shown}) > 1
