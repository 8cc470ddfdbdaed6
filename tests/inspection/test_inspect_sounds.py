"""`tfmeta inspect` on sounds: what they are, what is wrong with them, how they look."""

import json
import shutil

import numpy as np
from click.testing import CliRunner
from PIL import Image
from recordings import make_sounds, tones, wav

from tfmeta.cli import main
from tfmeta.reading.sound_format import SoundFormat


def test_the_report_has_lengths_rates_silence_and_duplicates(tmp_path):
    data = make_sounds(tmp_path / "data")
    home = data / "voice0" / "word0"
    (home / "0.wav").write_bytes(wav(np.zeros(2000)))
    (home / "1.wav").write_bytes(wav(tones(np.random.default_rng(0), 3.0, 16000), 16000))
    shutil.copy(home / "2.wav", data / "voice1" / "word1" / "copy.wav")
    shape = ["--ways", "3", "--queries", "2", "--within-group"]
    sheet = tmp_path / "sheet.png"
    command = ["inspect", "audio-folder", "--data-dir", str(data), *shape]
    found = CliRunner().invoke(main, [*command, "--contact-sheet", str(sheet)])
    assert found.exit_code == 0, found.output
    for words in ("samples per second", "silent sounds", "clipped sounds", "heard in part"):
        assert words in found.output
    with Image.open(sheet) as picture:
        assert min(picture.size) > 200
    report = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)
    facts = report["prepared_sounds"]
    assert (facts["silent"], facts["rates"]) == (1, {"8000": 72, "16000": 1})
    assert facts["seconds"]["max"] == 3.0
    (copies,) = report["duplicates"]["across_splits"] + report["duplicates"]["across_classes"]
    assert {each["name"] for each in copies} == {"voice0/word0/2.wav", "voice1/word1/copy.wav"}
    assert any("nothing is heard: 1 of 73" in line for line in report["warnings"])


def test_a_rising_tone_rises_in_its_picture():
    sound_format = SoundFormat(8000, 4000, window=200, hop=80, highest=4000.0)
    time = np.arange(4000) / 8000
    x = np.sin(2 * np.pi * (300 * time + 3000 * time**2))  # from 300 to 3,300 Hz
    picture = sound_format.pictures(sound_format.prepare([wav(x)]))[0]
    assert picture.shape == (sound_format.mels, sound_format.frames, 1)
    assert (picture.min(), picture.max()) == (0, 1)
    rows = picture[..., 0].argmax(0)
    assert (np.diff(rows) <= 0).mean() > 0.95
    assert rows[0] > 30
    assert rows[-1] < 10
