"""A report opened in headless Chromium: on a screen, on a phone and on paper."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from read_reports import report_of_two

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
PHONE, HEIGHT, MARGIN = 390, 4000, 10  # pixels

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]


def opened(folder, *options):
    """What Chromium says of a page that it opens."""
    own = [
        "--no-sandbox",
        "--headless",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-logging=stderr",
    ]
    command = [CHROMIUM, *own, f"--user-data-dir={folder}", *options, report_of_two().as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_it_fits_a_phone_and_its_pictures_are_seen(tmp_path):
    shot = tmp_path / "phone.png"
    said = opened(tmp_path, f"--window-size={PHONE},{HEIGHT}", f"--screenshot={shot}")
    assert "Content Security Policy" not in said  # nothing of it was refused
    seen = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert seen.shape == (HEIGHT, PHONE, 3)
    ink = (seen.min(-1) < 128).any(1)
    assert ink.mean() > 0.3  # lines of text from the top to the bottom
    assert (seen[:, -MARGIN:] == 255).all()  # nothing goes beyond the right margin
    blue = (abs(seen - (0, 0x72, 0xB2)).max(-1) < 24).sum()
    assert blue > 100  # a chart's dots, which an image that is not shown would lack


def test_it_is_printed_on_pages(tmp_path):
    paper = tmp_path / "paper.pdf"
    opened(tmp_path, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    content = paper.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") >= 3
