"""A small run on invented recordings, and its exports, made once a session."""

import shutil

import trained
from made_once import made_once
from recordings import make_sounds

WORDS = ("word0", "word1", "word2")


@made_once("sounds/data")
def sound_data(path):
    make_sounds(path)


@made_once("sounds/run")
def sound_run(path):
    shape = ["--ways", 3, "--shots", 2, "--queries", 2, "--within-group"]
    data = ["--data-dir", sound_data()]
    trained.call(
        "train", "audio-folder", *data, *shape, *trained.TINY, *trained.SMALL, "--run-dir", path
    )


@made_once("sounds/support")
def sound_support(path):
    """Two recordings of each word by one voice."""
    for word in WORDS:
        (path / word).mkdir(parents=True)
        for number in range(2):
            shutil.copy(sound_data() / "voice0" / word / f"{number}.wav", path / word)


def sound_queries():
    """One recording of each word by another voice."""
    return [sound_data() / "voice1" / word / "3.wav" for word in WORDS]


@made_once("sounds/learner")
def sound_learner(path):
    trained.call("export", sound_run(), *trained.AS_IT_IS, "--output", path)


@made_once("sounds/adapted")
def sound_adapted(path):
    kind = ["--kind", "adapted", "--support", sound_support()]
    trained.call("export", sound_run(), *kind, *trained.AS_IT_IS, "--output", path)
