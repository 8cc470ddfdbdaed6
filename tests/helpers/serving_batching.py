"""The batching of the protocol double: concurrent requests run as one, as TensorFlow Serving does.

After `tensorflow_serving/batching/batching_session.cc`, its messages included. Every request of a
batch shares its fate there, so it does here: what is wrong with one refuses all.
"""

import threading
from concurrent.futures import Future

import numpy as np

from tfmeta.exporting.loading.c_loader import LoaderError


class Batcher:
    """`run(signature_name, inputs)` for many threads at once, a batch at a time.

    Args:
        run: runs one batch; takes and returns `{key: array}`.
        max_batch_size: the sum of dimension 0 at which a batch is full and runs.
        timeout: seconds after which it runs as it is.
        pad: pads the requests of a batch to common shapes; without, differing ones are refused.
    """

    def __init__(self, run, *, max_batch_size: int, timeout: float, pad: bool = False):
        self._run, self._max_batch_size = run, max_batch_size
        self._timeout, self._pad = timeout, pad
        self._open = {}  # signature name -> _Batch
        self._changed = threading.Condition()

    def run(self, signature_name: str, inputs: dict) -> dict:
        size = _size_of(inputs)
        if size > self._max_batch_size:
            raise LoaderError(
                f"Task size {size} is larger than maximum input batch size {self._max_batch_size}"
            )
        with self._changed:
            batch = self._open.get(signature_name)
            is_first = batch is None or batch.size + size > self._max_batch_size
            if is_first:
                batch = self._open[signature_name] = _Batch()
            position = batch.add(inputs, size)
            self._changed.notify_all()
        if is_first:  # this thread does the work of all
            self._wait_until_closed(signature_name, batch)
            self._answer(signature_name, batch)
        return batch.answers.result()[position]

    def _wait_until_closed(self, signature_name, batch):
        def is_closed():
            has_successor = self._open.get(signature_name) is not batch  # which did not fit in
            return has_successor or batch.size >= self._max_batch_size

        with self._changed:
            self._changed.wait_for(is_closed, self._timeout)
            if self._open.get(signature_name) is batch:
                del self._open[signature_name]

    def _answer(self, signature_name, batch):
        try:
            merged = merge(batch.requests, pad=self._pad)
            outputs = self._run(signature_name, merged)
            batch.answers.set_result(split(outputs, batch.sizes))
        except BaseException as error:  # the other threads wait for it
            batch.answers.set_exception(error)


class _Batch:
    """The requests of one batch, and in the end their answers, in the same order."""

    def __init__(self):
        self.requests, self.sizes, self.answers = [], [], Future()

    @property
    def size(self):
        return sum(self.sizes)

    def add(self, inputs, size) -> int:
        self.requests.append(inputs)
        self.sizes.append(size)
        return len(self.requests) - 1


def _size_of(inputs) -> int:
    """The common size of dimension 0."""
    if any(array.ndim == 0 for array in inputs.values()):
        raise LoaderError("Batching session Run() input tensors must have at least one dimension")
    sizes = {len(array) for array in inputs.values()}
    if len(sizes) != 1:
        raise LoaderError("Batching session Run() input tensors must have equal 0th-dimension size")
    return sizes.pop()


def merge(requests: list[dict], *, pad: bool) -> dict:
    """One request of them all, along dimension 0."""
    merged = {}
    for key in requests[0]:
        arrays = [request[key] for request in requests]
        if pad and len({array.ndim for array in arrays}) == 1:
            largest = np.max([array.shape for array in arrays], axis=0)
            arrays = [padded(array, largest) for array in arrays]
        elif len({array.shape[1:] for array in arrays}) != 1:
            raise LoaderError(
                f"Tensors with name '{key}' from different tasks have different shapes and "
                "padding is turned off.Set pad_variable_length_inputs to true, or ensure that all "
                "tensors with the same namehave equal dimensions starting with the first dim.",
                "FAILED_PRECONDITION",
            )
        merged[key] = np.concatenate(arrays)
    return merged


def padded(array: np.ndarray, largest) -> np.ndarray:
    """`array` filled up behind with its own first element, but for dimension 0."""
    missing = [0, *(largest - array.shape)[1:]]
    if not any(missing):
        return array
    if array.size == 0:
        raise LoaderError("Got empty tensor in batch of non-empty tensors.")
    return np.pad(array, [(0, number) for number in missing], constant_values=array.flat[0])


def split(outputs: dict, sizes: list[int]) -> list[dict]:
    """A batch's outputs as each request's own; only dimension 0 is divided."""
    for array in outputs.values():
        if array.ndim == 0:
            raise LoaderError("Batched output tensor has 0 dimensions", "FAILED_PRECONDITION")
        if len(array) != sum(sizes):
            raise LoaderError(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                "dimension sizes of the input tensors",
                "FAILED_PRECONDITION",
            )
    ends = np.cumsum(sizes)[:-1]
    parts = {key: np.split(array, ends) for key, array in outputs.items()}
    return [{key: part[i] for key, part in parts.items()} for i in range(len(sizes))]
