"""Files that never end or that make a reader wait for ever."""

import contextlib
import os
import re
import socket

import pytest
from PIL import Image
from time_limit import at_most
from trained import adapted_export, inside

from tfmeta import UserError, strict_json
from tfmeta.episodes.episode_file import EpisodeFile
from tfmeta.episodes.optima_file import read_provenance
from tfmeta.episodes.source_facts import SourceFacts
from tfmeta.pipelines import cifar_fs, mini_imagenet
from tfmeta.pipelines.image_folder import build as build_folder
from tfmeta.reading.pickled_arrays import read_pickled_arrays
from tfmeta.reading.row_format import PLAIN
from tfmeta.reading.support_arrays import read_support_arrays
from tfmeta.reading.support_set import read_image
from tfmeta.reading.tables import read_table
from tfmeta.reading.text_rows import decoded
from tfmeta.training.config_file import read_config

_VECTORS = SourceFacts("arrays", (2,), PLAIN, None)


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


def sparse(path):
    with open(path, "wb") as file:
        file.truncate(2**40)


def folder(path):
    path.mkdir()


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # a long path is refused


def learner_file(path):
    from tfmeta.keras_files import load_model

    load_model(path)


READERS = {
    "x.png": read_image,
    "support.npz": lambda path: read_support_arrays(path, _VECTORS, num_classes=2),
    "x.npz": lambda path: read_table(path, text=()),
    "x.csv": lambda path: read_table(path, text=()),
    "x.parquet": lambda path: read_table(path, text=()),
    "text.csv": decoded,
    "x.episodes": EpisodeFile.read,
    "x.optima": read_provenance,
    "x.pkl": read_pickled_arrays,
    "config.json": read_config,
    "source.json": lambda path: strict_json.read(path, dict),
    "step-1.keras": learner_file,
    "train.csv": lambda path: mini_imagenet._files_of(path, path.parent),
    "train.txt": cifar_fs._lines,
}
_REFUSALS = {
    pipe: "is a pipe; expected a regular file",
    device: "is a device; expected a regular file",
    sparse: "MiB",
    folder: "is a folder; expected a regular file",
    a_socket: "is a socket; expected a regular file",
}


@pytest.mark.attack(
    "a pipe, /dev/zero, a socket, a folder or 1 TiB of holes in the place of any file that is read",
    "refused at once by what it is; pipes and devices are not opened",
)
@pytest.mark.parametrize("make", _REFUSALS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", READERS)
def test_no_regular_file(name, make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / name)
    refusal = _REFUSALS[make]
    if (name, make) == ("support.npz", folder):  # a support set may be one, of images
        refusal = "is a folder, and this model takes no images"
    with at_most(10), pytest.raises(UserError, match=refusal):
        READERS[name](tmp_path / name)


@pytest.mark.attack("the same as an image of `predict`", "refused in one line")
@pytest.mark.parametrize("make", _REFUSALS, ids=lambda make: make.__name__)
def test_predict(make, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "x.png")
    export = adapted_export()
    with at_most(10):
        status, _, err = inside(capfd, "predict", export, tmp_path / "x.png")
    assert (status, err.count("\n")) == (2, 1)
    # A folder is one of queries.
    assert re.search("holds no image files" if make is folder else _REFUSALS[make], err)


@pytest.mark.attack("a pipe among the images of a folder of classes", "never opened")
def test_a_pipe_among_images(tmp_path):
    for name in "abcdef":
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("L", (4, 4), 9 * number).save(tmp_path / name / f"{number}.png")
    pipe(tmp_path / "a" / "3.png")
    with at_most(60), contextlib.suppress(UserError):
        build_folder(data_dir=tmp_path)
