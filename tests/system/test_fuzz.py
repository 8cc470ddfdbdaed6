"""A served learner under random requests, good and malformed, from several threads at once."""

import json
import sys
from pathlib import Path

import trained

FUZZ = Path(__file__).parents[2] / "benchmarks" / "serving_fuzz.py"


def test_random_requests_are_answered_as_the_learner_does_or_refused_by_name():
    run, export = trained.glyph_run(), trained.learner_export()
    few = ["--requests", 300, "--warm-up", 300, "--draws", 5, "--threads", 4]
    done = trained.run([sys.executable, FUZZ, run, export, *few])
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == {}
    assert report["requests"]["good"] + report["requests"]["malformed"] == 600
    assert report["requests"]["malformed"] > 100
    assert report["passed"] is True
    assert done.returncode == 0
