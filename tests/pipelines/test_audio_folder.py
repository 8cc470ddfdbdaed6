"""A user's own sounds: what may be in the folder, and that nothing is dropped in silence."""

import sys

import numpy as np
import pytest
from closeness import assert_close
from recordings import make_sounds, tones, wav

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.errors import UserError
from tfmeta.pipelines import build


def folder(root, **options):
    return build("audio-folder", data_dir=str(root), options=options)


def test_groups_and_splits_are_found(tmp_path):
    source = folder(make_sounds(tmp_path), mels=20)
    index = source.index
    assert index.group_names == tuple(f"voice{n}" for n in range(4))
    assert index.class_names[0] == "voice0/word0"
    assert source.input_shape == index.examples.shape[1:]
    assert source.input_shape[1:] == (20, 1)
    sides = [{index.groups[c] for c in classes} for classes in index.splits.values()]
    assert [len(side) for side in sides] == [2, 1, 1]
    batch = next(iter(source.episodes("train", EpisodeShape(3, 1, 2, within_group=True))))
    assert batch.support_x.shape[2:] == source.input_shape


def test_what_the_training_sounds_decide_is_kept(tmp_path):
    first = folder(make_sounds(tmp_path))
    pinned = first.pinned_options
    assert set(pinned) == {"rate", "seconds", "centre", "spread"}
    assert pinned["rate"] == 8000
    trained = first.index.examples[first.index.rows("train")].astype(np.float64)
    assert_close(trained.mean(), 0.0, scale=1.0, dtype=np.float32)
    assert_close(trained.std(), 1.0, dtype=np.float32)
    for path in tmp_path.glob("voice*/word0/*.wav"):
        path.write_bytes(wav(tones(np.random.default_rng(0), 2.0, 4000), 4000))
    assert folder(tmp_path).input_shape[0] > first.input_shape[0]
    again = folder(tmp_path, **pinned)
    assert again.input_shape == first.input_shape
    rows = np.flatnonzero(again.index.labels % 3)
    np.testing.assert_array_equal(again.index.examples[rows], first.index.examples[rows])


def test_files_that_are_no_sounds_are_refused_or_named(tmp_path):
    make_sounds(tmp_path)
    whole = (tmp_path / "voice1" / "word0" / "1.wav").read_bytes()
    (tmp_path / "voice1" / "word0" / "1.wav").write_bytes(whole[:-10])
    (tmp_path / "voice1" / "word0" / ".hidden").write_text("passed over")
    (tmp_path / "README").write_text("beside the classes")
    with pytest.raises(UserError, match=r"1 file can't be read: voice1/word0/1.wav is cut off"):
        folder(tmp_path)
    source = build("audio-folder", data_dir=str(tmp_path), skip_unreadable=True)
    assert len(source.index.labels) == 71
    assert source.index.origins.passed_over == ("README", "voice1/word0/.hidden")
    assert "voice1/word0/1.wav" not in source.index.origins.names


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3", "AIFF"])
def test_other_formats_are_read_as_their_own_library_reads_them(tmp_path, kind):
    soundfile = pytest.importorskip("soundfile")
    make_sounds(tmp_path)
    path = tmp_path / "voice0" / "word0" / "0.wav"
    x, rate = soundfile.read(path)
    path.unlink()
    soundfile.write(path.with_suffix(f".{kind.lower()}"), x, rate, format=kind)
    samples, _ = soundfile.read(path.with_suffix(f".{kind.lower()}"), dtype="float32")
    by_library = folder(tmp_path, rate=8000, seconds=0.4).index.examples[0]
    path.with_suffix(f".{kind.lower()}").unlink()
    path.write_bytes(wav(samples, bits=32, is_float=True))
    # A decoder of MP3 rounds differently from a file and from memory.
    assert_close(folder(tmp_path, rate=8000, seconds=0.4).index.examples[0], by_library)


def test_without_the_library_wav_is_read_and_others_are_asked_for_by_name(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    make_sounds(tmp_path)
    folder(tmp_path)
    (tmp_path / "voice0" / "word0" / "a.flac").write_bytes(b"fLaC" + b"\0" * 50)
    needed = r"this needs soundfile: pip install 'tfmeta\[sound\]'"
    message = rf"1 file can't be read: voice0/word0/a.flac is no plain WAV file, .* {needed}"
    with pytest.raises(UserError, match=message):
        folder(tmp_path)
    source = build("audio-folder", data_dir=str(tmp_path), skip_unreadable=True)
    ((name, problem),) = source.index.origins.unreadable
    assert name == "voice0/word0/a.flac"
    assert "soundfile" in problem


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 10}, r"these options: received rate=10"),
        ({"seconds": 0.001}, r"these options: received 8 samples"),
        ({"seconds": "long"}, r"these options"),
        ({"mels": 400}, r"bands without a frequency"),
        ({"spacing": 60, "mels": 20}, r"spacing, which decides mels, and mels; leave one out"),
        ({"spacing": 60, "highest": 3000}, r"decides highest, and highest; leave one out"),
        ({"spacing": -1}, r"received spacing=-1; expected a number above 0 by which there is"),
        ({"spacing": 1500}, r"spacing=1500; .* there is a band between 20 and 4000 Hz"),
        ({"spacing": "wide"}, r"these options"),
        ({"split_by": "size"}, r"split_by='size'"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        folder(make_sounds(tmp_path), **options)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="no class folders; expected a folder of sounds for each"):
        folder(tmp_path)
    with pytest.raises(UserError, match="needs its folder: --data-dir DIR"):
        build("audio-folder")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    with pytest.raises(UserError, match=r"no sound in .* can be read"):
        folder(tmp_path)


def test_facts_name_what_is_wrong_with_sounds(tmp_path):
    make_sounds(tmp_path)
    home = tmp_path / "voice0" / "word0"
    (home / "0.wav").write_bytes(wav(np.zeros(2000)))
    (home / "1.wav").write_bytes(wav(5 * tones(np.random.default_rng(0)) * 4))
    (home / "2.wav").write_bytes(wav(tones(np.random.default_rng(0), 0.3, 16000), 16000))
    (home / "3.wav").write_bytes(wav(np.stack([1e-3 * tones(np.random.default_rng(0))] * 2, 1)))
    source = folder(tmp_path)
    facts = source.prepared.facts()["prepared_sounds"]
    assert facts["silent"] == 1
    assert facts["clipped"] == 1
    assert facts["quiet"] == 2
    assert facts["rates"] == {"8000": 71, "16000": 1}
    assert facts["channels"] == {"1": 71, "2": 1}
    assert facts["resampled"] == 1
    assert facts["slower"] == 0
    words = dict(source.prepared.lines({"prepared_sounds": facts}))
    assert words["samples per second"] == "8000 (71), 16000 (1)"
    assert words["clipped sounds"] == "1 of 72"


def test_sounds_are_slower_that_lack_frequencies_which_are_heard(tmp_path):
    make_sounds(tmp_path, groups=1)

    def slower(**options):
        source = folder(tmp_path, split_by="class", **options)
        return source.prepared.facts()["prepared_sounds"]["slower"]

    assert slower(rate=8100) == 18
    assert slower(rate=8100, highest=3950) == 0
    # By NumPy: from 70 Hz on, 32 bands that are 60 mel apart end at 3,762 Hz, and 33 at 4,006.
    assert slower(rate=8008, lowest=70.0, spacing=60.0) == 0
    assert slower(rate=8020, lowest=70.0, spacing=60.0) == 18
