"""What an export answers, or says as it refuses, when a process of its own is asked.

That process imports this file, `nightly`, `trained` and TensorFlow's C++ alone. Requests are not
answered in the process of the tests, because the loader switches XLA off for the whole of its
process, and other tests train with it.

In each run TensorFlow does not optimise what it answers by, which took half of the time of a first
request: `test_first_answer.py` compares the two. `checked` has it optimised, as servers do, and in
`make nightly` so is everything.
"""

import functools
import json
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from unittest.mock import patch

from nightly import IS_ON
from trained import version_of

_STARTING = threading.Lock()

# Questions to a served model


@functools.cache
def _loader_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def in_loader(function, *arguments):
    """What `function(*arguments)` returns in the process that answers requests."""
    with _STARTING:  # of several threads one starts it
        process = _loader_process()
    return process.submit(function, *arguments).result()


def served(export, signature: str, inputs: dict, *, optimize: bool = IS_ON) -> dict:
    """The answer of `export`, a model's folder with one version or a version's folder."""
    outputs, error = _ask(export, signature, inputs, optimize)
    assert error is None, error
    return outputs


def refusal(export, signature: str, inputs: dict) -> tuple[str, str]:
    """The code and the message with which `export` refuses a request."""
    outputs, error = _ask(export, signature, inputs, IS_ON)
    assert error is not None, f"answered: { {k: v.tolist() for k, v in outputs.items()} }"
    return error


def signatures(export) -> dict:
    """`{name: ({input: what it is}, {output: what it is})}`, such as "float32[None, 5]"."""
    return in_loader(_signatures, str(version_of(export)))


def printed(version, given: str) -> str:
    """What `tfmeta predict`'s own child writes; that process keeps an export loaded.

    For exports that no test changes.
    """
    return in_loader(_printed, str(version), given)


def checked(version, *, optimize: bool = True) -> dict:
    """What `tfmeta verify` reports; that process has TensorFlow's C++ library loaded already.

    Without `optimize`, but in `make nightly`, an export of images takes half of the time.
    """
    return in_loader(_checked, str(version), optimize or IS_ON)


def disagreement(version) -> str:
    """Why a manifest is not believed by the loader's process; "" if it is."""
    return in_loader(_disagreement, str(version))


def _ask(export, signature, inputs, optimize):
    return in_loader(_answer, str(version_of(export)), signature, inputs, optimize)


@functools.cache
def _loader(version, *, optimize=True):
    from tfmeta.exporting.loading.c_loader import CLoader

    return CLoader(version, optimize=optimize)


def _answer(version, signature, inputs, optimize):
    from tfmeta.exporting.loading.c_loader import LoaderError

    try:
        return _loader(version, optimize=optimize).run(signature, inputs), None
    except LoaderError as error:
        return None, (error.code, str(error))


def _printed(version, given):
    from tfmeta.errors import UserError
    from tfmeta.exporting.loading import answering

    with patch.object(answering, "CLoader", _loader):
        try:
            return json.dumps(answering._answered(version, json.loads(given)))
        except UserError as error:
            return json.dumps({"error": str(error)})


def _checked(version, optimize):
    from tfmeta.exporting.verifying import verifier

    loader = functools.partial(verifier.CLoader, optimize=optimize)
    with patch.object(verifier, "CLoader", loader):
        return verifier.Verifier(version).run()


def _disagreement(version):
    from tfmeta.errors import UserError
    from tfmeta.exporting.loading.answering import loaded

    try:
        loaded(version)
    except UserError as error:
        return str(error)
    return ""


def _signatures(version):
    return {
        name: tuple(
            {key: str(info) for key, info in side.items()}
            for side in (signature.inputs, signature.outputs)
        )
        for name, signature in _loader(version, optimize=IS_ON).signatures.items()
    }
