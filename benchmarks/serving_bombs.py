"""Requests with bombs among them, small files that are large to decode, to an export of images.

    python benchmarks/serving_bombs.py EXPORT [--requests 10000] [--threads 4] [--seed 0]

EXPORT is of the kind `learner`. One request in ten has a bomb in the place of a query or a support
image. It must be refused with INVALID_ARGUMENT and the input's name, or (a GIF of many frames)
answered; every other request must get the answer that it got at first, and memory must not grow.
Exit status 0: all of that holds.
"""

import argparse
import io
import json
import struct
import sys
import threading
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from serving_fuzz import MOST_GROWTH_PERCENT, resident_megabytes

from tfmeta.exporting.loading.c_loader import CLoader, LoaderError
from tfmeta.exporting.verifying.verification import newest_version

SIGNATURE, BOMB_SHARE = "adapt_and_predict_bytes", 1 / 10
ANSWERED = ("a GIF of 40 frames",)  # the first alone is decoded


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(width: int, height: int, extra: bytes = b"") -> bytes:
    """A black grey PNG, with chunks before its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    squeeze, row = zlib.compressobj(9), bytes(width + 1)
    pixels = b"".join([*(squeeze.compress(row) for _ in range(height)), squeeze.flush()])
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra,
            png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b""),
        ]
    )


def saved(image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def bombs() -> dict[str, bytes]:
    """`{what: file}`, each of less than a megabyte."""
    frames = [Image.new("P", (1500, 1500), number) for number in range(40)]
    scans = saved(Image.new("L", (600, 600), 128), "JPEG", progressive=True)
    last = scans[scans.rfind(b"\xff\xda") : -2]
    gif = saved(Image.new("P", (8, 8)), "GIF")
    frame = gif.index(b",\0\0\0\0")
    canvas = struct.pack("<HH", 65_535, 65_535)
    bmp = saved(Image.new("RGB", (8, 8)), "BMP")
    text = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(7_000_000), 9))
    return {
        "a PNG of 400 million pixels": png(20_000, 20_000),
        "a PNG of many compressed texts": png(4, 4, text * 30),
        "a PNG of many chunks": png(
            4, 4, png_chunk(b"abCd", b"") * 20_000 + png_chunk(b"tRNS", b"\0\0")
        ),
        "a JPEG of many scans": scans[:-2] + last * 500 + scans[-2:],
        "a JPEG of many segments": scans[:2] + b"\xff" * 100_000 + scans[2:],
        "a GIF of 40 frames": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "a GIF with a large canvas": gif[:6] + canvas + gif[10:],
        "a GIF of many extensions": gif[:frame] + b"\x21\xfe\x01a\0" * 20_000 + gif[frame:],
        "a BMP of 4,000 million pixels": bmp[:18] + struct.pack("<ii", 65_536, -65_536) + bmp[26:],
    }


class Bombing:
    """Counts what goes wrong, from any number of threads."""

    def __init__(self, model, num_classes: int, seed: int):
        self._model, self._seed = model, seed
        self._bombs = bombs()
        self._pool = [_request(num_classes, np.random.default_rng(n)) for n in range(20)]
        self._answers = [model.run(SIGNATURE, inputs) for inputs in self._pool]
        self.counts, self.faults, self._lock = Counter(), Counter(), threading.Lock()

    def send(self, number: int) -> None:
        rng = np.random.default_rng((self._seed, number))
        chosen = rng.integers(len(self._pool))
        inputs, what = self._pool[chosen], "good"
        if rng.random() < BOMB_SHARE:
            what = [*self._bombs][rng.integers(len(self._bombs))]
            key = ("support_x_bytes", "query_x_bytes")[rng.integers(2)]
            files = inputs[key].copy()
            files.flat[rng.integers(files.size)] = self._bombs[what]
            fault = self._fault_of_bomb(what, key, {**inputs, key: files})
        else:
            fault = self._fault_of_good(inputs, self._answers[chosen])
        with self._lock:
            self.counts[what] += 1
            if fault:
                self.faults[fault] += 1

    def _fault_of_good(self, inputs, expected):
        try:
            outputs = self._model.run(SIGNATURE, inputs)
        except LoaderError as error:
            return f"a good request was refused: {str(error)[:200]}"
        same = (np.allclose(outputs[key], value, atol=1e-5) for key, value in expected.items())
        return None if all(same) else "a good request got another answer"

    def _fault_of_bomb(self, what, key, inputs):
        try:
            self._model.run(SIGNATURE, inputs)
        except LoaderError as error:
            named = key in str(error) and error.code == "INVALID_ARGUMENT"
            return None if named else f"{what}: refused without the name: {str(error)[:200]}"
        return None if what in ANSWERED else f"{what}: answered"


def _request(num_classes, rng):
    def files(number):
        pixels = [rng.integers(0, 256, (28, 28), np.uint8) for _ in range(number)]
        encoded = [saved(Image.fromarray(each), "PNG") for each in pixels]
        return np.array([encoded], object)

    labels = np.arange(num_classes, dtype=np.int32)[np.newaxis]
    return {
        "support_x_bytes": files(num_classes),
        "support_y": labels,
        "query_x_bytes": files(5),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("export", type=Path, help="exported/NAME or exported/NAME/VERSION")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--warm-up", type=int, default=1_000, help="requests before memory counts")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    export = newest_version(options.export)
    num_classes = json.loads((export / "tfmeta.json").read_text())["num_outputs"] or 5
    bombing = Bombing(CLoader(export, check_shapes=False), num_classes, options.seed)
    held, slowest, started = [], 0.0, time.monotonic()
    total = options.warm_up + options.requests

    def timed(number):
        before = time.monotonic()
        bombing.send(number)
        return time.monotonic() - before

    with ThreadPoolExecutor(options.threads) as threads:
        for numbers in (range(options.warm_up), range(options.warm_up, total)):
            slowest = max(slowest, *threads.map(timed, numbers))
            held.append(resident_megabytes())
    growth = 100 * (held[1] / held[0] - 1)
    passed = not bombing.faults and growth < MOST_GROWTH_PERCENT
    report = {
        "passed": passed,
        "requests": dict(bombing.counts),
        "faults": dict(bombing.faults.most_common()),
        "megabytes": held,
        "growth_percent": growth,
        "slowest_seconds": slowest,
        "seconds": time.monotonic() - started,
    }
    print(json.dumps(report, indent=1))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
