"""`make quick`: tests that start no process, make no export and took half a second at most.

A test that starts a process or makes an export is left out when it comes to that, so nobody has to
keep a list of them. `make slow` adds those that took longer to a list; a new test that should be in
it and is not fails.
"""

import contextlib
import multiprocessing
import os
import subprocess
import time

import pytest
import spent

IS_ON = os.environ.get("TFMETA_QUICK") == "1"
MOST_SECONDS = 5  # of the processor, for a test that is not in the list


@contextlib.contextmanager
def no_process_and_no_export():
    """Inside, either of them skips the test."""
    import tensorflow as tf

    from tfmeta import files

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", _left_out)
        patch.setattr(multiprocessing.process.BaseProcess, "start", _left_out)
        patch.setattr(files, "new_version", _left_out)
        patch.setattr(tf.saved_model, "save", _left_out)
        yield


def _left_out(*_, **__):
    pytest.skip("it starts a process or makes an export: make test")


@pytest.fixture(autouse=True, scope="session")
def _nothing_but_what_is_quick():
    with no_process_and_no_export() if IS_ON else contextlib.nullcontext():
        yield


def pytest_collection_modifyitems(config, items):
    if not IS_ON:
        return
    slow = set(spent.SLOW_TESTS.read_text().split())
    left_out = [item for item in items if spent.function_of(item.nodeid) in slow]
    items[:] = [item for item in items if spent.function_of(item.nodeid) not in slow]
    config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    began = time.process_time()
    result = yield
    taken = time.process_time() - began
    if IS_ON and taken > MOST_SECONDS:
        pytest.fail(f"it takes {taken:.0f} s of the processor: run `make slow`, or mark it slow")
    return result
