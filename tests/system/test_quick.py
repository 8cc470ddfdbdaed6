"""`make quick` starts no process and makes no export, whatever a test does."""

import concurrent.futures
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest
import spent
import tensorflow as tf
from quick import no_process_and_no_export

import tfmeta


def by_a_pool():
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        pool.submit(print).result()


@pytest.mark.parametrize(
    "start",
    [
        lambda _: subprocess.run([sys.executable, "--version"], check=True),
        lambda _: by_a_pool(),
        lambda folder: tf.saved_model.save(tf.Module(), str(folder)),
        lambda folder: tfmeta.Prototypical(tfmeta.networks.mlp((2,), None)).export(folder),
    ],
    ids=["run", "pool", "saved model", "export"],
)
def test_it_is_skipped(start, tmp_path):
    with no_process_and_no_export(), pytest.raises(pytest.skip.Exception, match="make test"):
        start(tmp_path / "model")
    assert not list(tmp_path.rglob("*.pb"))


def test_what_is_left_out_as_slow_exists():
    root = Path(__file__).parents[2]
    listed = [each.split("::") for each in spent.SLOW_TESTS.read_text().split()]
    assert len(listed) > 100
    gone = [
        f"{file}::{name}"
        for file, *_, name in listed
        if not (root / file).exists() or f"def {name}(" not in (root / file).read_text()
    ]
    assert not gone, "make slow"
