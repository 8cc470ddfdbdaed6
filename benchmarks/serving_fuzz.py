"""Thousands of random requests to an exported learner, a third of them malformed.

    python benchmarks/serving_fuzz.py RUN EXPORT [--requests 10000] [--threads 4] [--seed 0]

RUN's learner answers a pool of good requests first: of random sizes and content, to every
signature, eagerly and in another process, which is not the one of TensorFlow's C++ loader. Then
threads send requests of the pool, or what is left of them once something is wrong with them. Every
good one must be answered as the learner does, every malformed one be refused with INVALID_ARGUMENT
and the input's name, and memory must not grow. Exit status 0: all of that holds.

For learners of classes, exported as the kind `learner`; their examples may be of any kind of input.
"""

import argparse
import json
import multiprocessing
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from serving_requests import all_malformed, make_pool

from tfmeta.exporting.loading.c_loader import CLoader, LoaderError
from tfmeta.exporting.verifying.verification import newest_version
from tfmeta.reading.formats import from_record

TOLERANCE, MOST_GROWTH_PERCENT = 1e-5, 5.0
MALFORMED_SHARE, AT_ONCE = 1 / 3, 500


class Fuzz:
    """Counts what goes wrong, from any number of threads."""

    def __init__(self, model, pool, input_format, seed: int):
        self._model, self._pool, self._format, self._seed = model, pool, input_format, seed
        self.counts, self.faults, self.worst = Counter(), Counter(), 0.0
        self._lock = threading.Lock()

    def send(self, number: int) -> None:
        """Request `number`, the same in every fuzz with this seed."""
        rng = np.random.default_rng((self._seed, number))
        signature, inputs, expected = self._pool[rng.integers(len(self._pool))]
        if rng.random() >= MALFORMED_SHARE:
            kind, fault = "good", self._fault_of_good(signature, inputs, expected)
        else:
            wrong = all_malformed(inputs, self._format, rng)
            what = list(wrong)[rng.integers(len(wrong))]
            kind, fault = "malformed", self._fault_of_malformed(signature, what, wrong[what])
        with self._lock:
            self.counts[kind] += 1
            if fault:
                self.faults[fault] += 1

    def _fault_of_good(self, signature, inputs, expected):
        try:
            outputs = self._model.run(signature, inputs)
        except LoaderError as error:
            return f"{signature}: a good request was refused: {str(error)[:100]}"
        for key, want in expected.items():
            if outputs[key].shape != want.shape:
                return f"{signature}: {key} has another shape than the learner's"
            scale = np.maximum(1.0, np.abs(want))
            worst = float(np.max(np.abs(outputs[key] - want) / scale))
            with self._lock:
                self.worst = max(self.worst, worst)
            if not worst <= TOLERANCE:
                return f"{signature}: {key} is not the learner's"

    def _fault_of_malformed(self, signature, what, inputs):
        try:
            self._model.run(signature, inputs)
        except LoaderError as error:
            named = what.split()[0].removesuffix(self._format.suffix) in str(error)
            if named and error.code == "INVALID_ARGUMENT":
                return None
            return f"{signature}: {what}: refused, but as {error.code}, {named=}"
        return f"{signature}: {what}: answered"


def resident_megabytes() -> float:
    """What this process holds in memory, but pages of files: the system drops and rereads those."""
    facts = Path("/proc/self/status").read_text()
    return int(facts.partition("RssAnon:")[2].split()[0]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("export", type=Path, help="exported/NAME or exported/NAME/VERSION of RUN")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--warm-up", type=int, default=1_000, help="requests before memory counts")
    parser.add_argument("--draws", type=int, default=60, help="a sixth of the pool's size")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    export, spawn = newest_version(options.export), multiprocessing.get_context("spawn")
    facts = json.loads((export / "tfmeta.json").read_text())
    confidence, input_format = facts.get("confidence") or {}, from_record(facts, "tfmeta.json")
    drawn = (options.run, options.draws, options.seed, confidence.get("temperature", 1.0))
    with ProcessPoolExecutor(1, spawn) as learner:
        pool = learner.submit(make_pool, *drawn).result()
    model = CLoader(export, check_shapes=False)  # as in a server, the graph has to
    fuzz, held, started = Fuzz(model, pool, input_format, options.seed), [], time.monotonic()
    total = options.warm_up + options.requests
    with ThreadPoolExecutor(options.threads) as threads:
        for numbers in (range(options.warm_up), range(options.warm_up, total)):
            # Some at a time: a waiting request takes a kilobyte, which is not the model's.
            for start in range(numbers.start, numbers.stop, AT_ONCE):
                list(threads.map(fuzz.send, range(start, min(start + AT_ONCE, numbers.stop))))
            held.append(resident_megabytes())
    growth = 100 * (held[1] / held[0] - 1)
    passed = not fuzz.faults and growth < MOST_GROWTH_PERCENT
    report = {
        "passed": passed,
        "protocol": {k: v for k, v in vars(options).items() if isinstance(v, int)},
        "requests": dict(fuzz.counts),
        "faults": dict(fuzz.faults.most_common()),
        "largest_difference": fuzz.worst,
        "megabytes": held,
        "growth_percent": growth,
        "seconds": time.monotonic() - started,
    }
    text = json.dumps(report, indent=1)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
