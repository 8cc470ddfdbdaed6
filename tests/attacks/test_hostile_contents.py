"""Archives, texts and numbers that become far more than they are."""

import io
import json
import zipfile

import numpy as np
import pytest
from time_limit import at_most
from trained import inside

from tfmeta import UserError
from tfmeta.episodes.episode_file import EpisodeFile
from tfmeta.episodes.source_facts import SourceFacts
from tfmeta.pipelines.arrays import build as build_arrays
from tfmeta.reading.npz_files import read_npz
from tfmeta.reading.row_format import PLAIN
from tfmeta.reading.support_arrays import read_support_arrays
from tfmeta.reading.tables import read_table
from tfmeta.training.config_file import read_config
from tfmeta.training.flat_settings import parse_assignment
from tfmeta.training.settings import Settings

_VECTORS = SourceFacts("arrays", (2,), PLAIN, None)


# Archives


def npy(shape, dtype="<f4", content=b""):
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def archive_of(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


@pytest.fixture(scope="module")
def bomb(tmp_path_factory):
    """1 GiB of zeros in 1 MB."""
    path = tmp_path_factory.mktemp("bomb") / "x.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        file.write(npy((2**28,)))
        for _ in range(64):
            file.write(bytes(2**24))
    return path


@pytest.mark.attack("an NPZ of 5 MB that unpacks to 1 GiB", "refused before it is unpacked")
def test_a_zip_bomb(bomb):
    assert bomb.stat().st_size < 2**20 * 5
    readers = (
        lambda path: read_table(path, text=()),
        lambda path: read_support_arrays(path, _VECTORS, num_classes=2),
        EpisodeFile.read,
    )
    for read in readers:
        with at_most(5), pytest.raises(UserError, match="would be 1,024 MiB in memory"):
            read(bomb)


@pytest.mark.attack(
    "an NPZ whose header says that an array has terabytes, or another size than is there",
    "refused before room is made",
)
@pytest.mark.parametrize(
    "content",
    [
        npy((2**40,)),
        npy((2**62, 2**62)),
        npy((4,), content=bytes(12)),
        npy((4,), content=bytes(20)),
        npy((-4,), content=bytes(16)),
        npy((4,), "|O", bytes(16)),
        npy((4,), "V1000000000"),
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
        b"\x93NUMPY\x01\x00\x05\x00{'a',",
        b"\x93NUMPY\x09\x00\x00\x00",
        b"",
    ],
)
def test_lying_headers(content, tmp_path):
    path = archive_of(tmp_path / "x.npz", x=content, y=npy((4,), content=bytes(16)))
    with at_most(5), pytest.raises(UserError, match=r"cannot read .*x\.npz"):
        read_table(path, text=())
    with at_most(5), pytest.raises(UserError, match=r"cannot read .*x\.npz"):
        read_support_arrays(path, _VECTORS, num_classes=2)
    with at_most(5), pytest.raises(UserError, match="can't be read as a file of episodes"):
        EpisodeFile.read(path)


def test_whole_archives_are_read(tmp_path):
    arrays = {
        "x": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "text": np.array(["a", "bc"]),
        "none": np.zeros((0, 4)),
        "one": np.float32(3),
    }
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "x.npz", **arrays)
        read = read_npz(tmp_path / "x.npz")
        assert list(read) == list(arrays)
        for name, values in arrays.items():
            np.testing.assert_array_equal(read[name], values)


# Text


@pytest.mark.attack("JSON that is nested 100,000 deep", "refused in one line")
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000], ids=["lists", "objects"])
def test_deep_json(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json: it is nested too deeply"):
        read_config(tmp_path / "config.json")
    protocol = npy((), f"<U{len(text)}", text.encode("utf-32-le"))
    archive_of(tmp_path / "x.episodes", protocol=protocol)
    with pytest.raises(UserError, match="can't be read as a file of episodes"):
        EpisodeFile.read(tmp_path / "x.episodes")
    assert parse_assignment(f"shots={text}") == ("shots", text)  # which is then no number


@pytest.mark.attack("a CSV of 100,000 columns", "refused by their number, without reading rows")
def test_many_columns(tmp_path):
    header = ",".join(f"c{n}" for n in range(100_000))
    (tmp_path / "x.csv").write_text(f"{header}\n{'1,' * 99_999}1\n")
    with at_most(5), pytest.raises(UserError, match="has 100000 columns; expected 65536 at most"):
        build_arrays(data_dir=tmp_path / "x.csv")


@pytest.mark.attack("a small Parquet file with 64 million equal rows", "refused by its size")
def test_repeated_rows(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array(np.zeros(2**20, "i4")), ["a"])
    table = pyarrow.table({"label": column})
    with parquet.ParquetWriter(tmp_path / "x.parquet", table.schema) as writer:
        for _ in range(64):
            writer.write_table(table)
    with pytest.raises(UserError, match="would be 512 MiB in memory"):
        read_table(tmp_path / "x.parquet", text=())


# Numbers


@pytest.mark.attack(
    "whole numbers beyond int32 and int64 in the settings, or NaN and infinity",
    "refused before anything is made that large",
)
@pytest.mark.parametrize("value", [2**31, 2**63, 2**64, 10**400, -1, 1.5, True, "5", [5], {}])
@pytest.mark.parametrize("name", ["ways", "shots", "queries", "steps", "meta_batch", "log_every"])
def test_numbers_in_settings(name, value, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({name: value}))
    with pytest.raises(
        UserError, match=f"received {name}=.* expected a whole number from [01] up to "
    ):
        Settings().updated(read_config(tmp_path / "config.json"))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1e31", "-1", "true"])
@pytest.mark.parametrize("name", ["outer_lr", "max_minutes"])
def test_rates_in_settings(name, value, tmp_path):
    (tmp_path / "config.json").write_text(f'{{"{name}": {value}}}')
    with pytest.raises(UserError, match=f"received {name}=.* expected a positive number"):
        Settings().updated(read_config(tmp_path / "config.json"))


@pytest.mark.attack("an episode of two billion examples", "refused before it is drawn")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shots", "2000000000"], "received an episode of 2000000015 examples"),
        (["--shots", "99999999999"], "received shots=99999999999; expected a whole number"),
        (["--meta-batch", "2000000000", "--shots", "5"], "received meta_batch=2000000000, which"),
    ],
)
def test_large_episodes(options, message, tmp_path, capfd):
    with at_most(60):
        status, _, err = inside(capfd, "train", "sinusoid", *options, "--run-dir", tmp_path / "run")
    assert (status, message in err) == (2, True), err
    assert not (tmp_path / "run").exists()
