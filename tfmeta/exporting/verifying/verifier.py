"""Checks an export as TensorFlow Serving would meet it, in a process without TensorFlow's Python.

    python -m tfmeta.exporting.verifying.verifier exported/NAME/VERSION

prints one JSON object: `ok` and a list of `checks`, each with `check`, `ok` and `detail`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.errors import UserError, described
from tfmeta.exporting.contract import (
    MODEL,
    PROBABILITIES,
    SERVING_DEFAULT,
    SUPPORT_Y,
    WARM_UP,
    suffix_of,
    suffixes,
)
from tfmeta.exporting.loading.agreement import check_agreement
from tfmeta.exporting.loading.c_loader import CLoader
from tfmeta.exporting.loading.genuine_protos import LoaderError, genuine_protos
from tfmeta.exporting.loading.graph_scan import all_nodes, check_files, served_graph
from tfmeta.exporting.loading.saver_scan import UnsafeModelError
from tfmeta.exporting.loading.tensor_protos import from_proto, read_records, to_proto
from tfmeta.exporting.manifest import Manifest, digest_of
from tfmeta.exporting.verifying.comparison import (
    CheckFailed,
    answer_difference,
    one_by_one,
    same_bytes,
)
from tfmeta.exporting.verifying.malformed import malformed
from tfmeta.precision import IN_COMPANY, MOST_OF_AN_EXPORT, OF_AN_EXPORT, rounding_error

# The most that an export may allow between its answer and the Python learner's; relative above 1.
MOST_TOLERANCE = rounding_error(np.float32, MOST_OF_AN_EXPORT)
Tensors = dict[str, np.ndarray]  # inputs or outputs, by name
Record = tuple[str, Tensors, Tensors]  # a signature, its inputs and its outputs
_OF_A_LOADED_MODEL = ("warm_up", "determinism", "protos", "batching", "refusals", "no_python")


def batch_tolerance(tolerance: float) -> float:
    """How far a request's answer in a batch may be from its answer alone; relative above 1.

    Args:
        tolerance: the export's own. A network that enlarges any rounding, such as one that counts
            how often a convolution is above a threshold, does so here as many times.
    """
    enlarged = max(1.0, tolerance / rounding_error(np.float32, OF_AN_EXPORT))
    return enlarged * rounding_error(np.float32, IN_COMPANY)


class Verifier:
    """The checks. Each of the first three must hold before the next one makes sense.

    Args:
        folder: `exported/NAME/VERSION`.
    """

    def __init__(self, folder: str | Path):
        self._folder = Path(folder)
        self._answers: dict[int, Tensors] = {}  # to the records, by their number

    def run(self) -> dict[str, Any]:
        """Runs the checks until one of the first three fails; the rest need a loaded model."""
        checks = []
        for name in ("files", "graph", "load"):
            checks.append(self._check(name))
            if not checks[-1]["ok"]:
                break
        else:
            checks += [self._check(name) for name in _OF_A_LOADED_MODEL]
        return {
            "export": str(self._folder),
            "ok": all(check["ok"] for check in checks),
            "checks": checks,
        }

    def _check(self, name: str) -> dict[str, Any]:
        try:
            return {"check": name, "ok": True, "detail": getattr(self, f"check_{name}")()}
        except (CheckFailed, LoaderError, UnsafeModelError, UserError) as error:
            return {"check": name, "ok": False, "detail": str(error)}
        except Exception as error:  # a check that can't be made does not hold
            return {"check": name, "ok": False, "detail": f"it is damaged ({described(error)})"}

    def check_files(self) -> str:
        """Every file is there, as it was exported, and the version is a number."""
        if not self._folder.name.isdigit():
            raise CheckFailed(f"the version folder is called {self._folder.name!r}, not a number")
        check_files(self._folder)
        self._manifest = Manifest.read(self._folder)
        expected = self._manifest.files
        loaded = [p for folder in ("variables", "assets") for p in self._folder.glob(f"{folder}/*")]
        found = [MODEL, WARM_UP, *(p.relative_to(self._folder).as_posix() for p in loaded)]
        if unknown := sorted({*found} - expected.keys()):
            raise CheckFailed(f"{unknown[0]} is not among the files that were exported")
        for path, digest in expected.items():
            file = self._folder / path
            if not file.is_file():
                raise CheckFailed(f"{path} is missing. Export again")
            if digest_of(file) != digest:
                raise CheckFailed(
                    f"{path} is not what was exported (its bytes differ). Export again"
                )
        return f"{len(expected)} files as exported"

    def check_graph(self) -> str:
        """No operation acts on the machine or needs Python, or XLA, which servers switch off."""
        genuine_protos()
        graph = served_graph(self._folder)
        nodes = list(all_nodes(graph))
        for item in (*nodes, *graph.graph_def.library.function):
            if item.attr["_XlaMustCompile"].b if "_XlaMustCompile" in item.attr else False:
                raise CheckFailed("an operation must be compiled by XLA (_XlaMustCompile)")
        return f"{len(nodes)} operations, all known to stay inside the model; none needs XLA"

    def check_load(self) -> str:
        """TensorFlow's C++ loader loads it without XLA, and it is what tfmeta.json says."""
        self._model = CLoader(self._folder, check_shapes=False)
        check_agreement(self._manifest, self._model)
        self._records = self._read_warmup()
        recorded = {name for name, *_ in self._records}
        defaults = {SERVING_DEFAULT + suffix for suffix in ("", *suffixes())}
        missing = sorted(self._model.signatures.keys() - recorded - defaults)
        if missing or not self._records:
            raise CheckFailed(f"signatures without a warm-up record: {missing}")
        return f"signatures: {', '.join(sorted(self._model.signatures))}"

    def _read_warmup(self) -> list[Record]:
        from tensorflow_serving.apis import prediction_log_pb2

        def arrays(protos: Mapping[str, Any]) -> Tensors:
            return {key: from_proto(proto) for key, proto in sorted(protos.items())}

        records = []
        for record in read_records(self._folder / WARM_UP):
            log = prediction_log_pb2.PredictionLog.FromString(record).predict_log
            name = log.request.model_spec.signature_name
            records.append((name, arrays(log.request.inputs), arrays(log.response.outputs)))
        return records

    def check_warm_up(self) -> str:
        """Each recorded request gets the answer that Keras, or else the Python learner, gave."""
        worst, tolerance, names = 0.0, self._manifest.tolerance, self._manifest.class_names
        if not tolerance <= MOST_TOLERANCE:
            raise CheckFailed(
                f"tfmeta.json allows a difference of {tolerance:.1e}; expected at most "
                f"{MOST_TOLERANCE:.0e}"
            )
        for number, (name, inputs, expected) in enumerate(self._records):
            answers = {name: self._first_answer(number)}
            if default := self._default_of(name):
                answers[default] = self._model.run(default, inputs)
            for signature, outputs in answers.items():
                if outputs.keys() != expected.keys():
                    raise CheckFailed(
                        f"{signature} answers {sorted(outputs)}, expected {sorted(expected)}"
                    )
                apart = answer_difference(outputs, expected, signature, tolerance, names)
                worst = max(worst, apart)
        whose = self._manifest.answers_of
        return f"{len(self._records)} records equal {whose}, largest difference {worst:.1e}"

    def _first_answer(self, number: int) -> Tensors:
        """The answer to a record when it was asked for the first time."""
        if number not in self._answers:
            name, inputs, _ = self._records[number]
            self._answers[number] = self._model.run(name, inputs)
        return self._answers[number]

    def _default_of(self, name: str) -> str | None:
        """The default signature that must answer as this one; None if it is not the default."""
        suffix = suffix_of(name)
        default = SERVING_DEFAULT + suffix
        is_default = name == self._manifest.export_kind.default + suffix
        return default if is_default and default in self._model.signatures else None

    def check_determinism(self) -> str:
        """A request gets the same bytes again, whatever was asked in between: there is no state."""
        first = [self._first_answer(number) for number in range(len(self._records))]
        again = [self._model.run(name, inputs) for name, inputs, _ in reversed(self._records)]
        for (name, *_), one, other in zip(self._records, first, reversed(again), strict=True):
            for key in one:
                if not same_bytes(one[key], other[key]):
                    raise CheckFailed(f"{name}: {key} differs between two equal requests")
        return f"{len(self._records)} requests twice, in two orders, the same bytes"

    def check_protos(self) -> str:
        """Requests and answers pass unchanged through the messages of a server."""
        from tensorflow_serving.apis import predict_pb2

        largest = 0
        for number, (name, inputs, _) in enumerate(self._records):
            sides = (predict_pb2.PredictRequest, "inputs", inputs), (
                predict_pb2.PredictResponse, "outputs", self._first_answer(number)
            )  # fmt: skip
            for message, field, arrays in sides:
                sent = message()
                for key, value in arrays.items():
                    getattr(sent, field)[key].CopyFrom(to_proto(value))
                content = sent.SerializeToString()
                received = getattr(message.FromString(content), field)
                for key, value in arrays.items():
                    if not same_bytes(from_proto(received[key]), value):
                        raise CheckFailed(f"{name}: {key} changes on its way through {field}")
                largest = max(largest, len(content))
        return f"requests and answers pass unchanged, the largest {largest / 1024:.0f} KiB"

    def check_batching(self) -> str:
        """A request of several tasks gets the answers that its tasks get one by one."""
        worst, names = 0.0, self._manifest.class_names
        tolerance = batch_tolerance(self._manifest.tolerance)
        for name, inputs in self._batches():
            together = self._model.run(name, inputs)
            number = len(next(iter(inputs.values())))
            alone = [
                self._model.run(name, {key: value[i : i + 1] for key, value in inputs.items()})
                for i in range(number)
            ]
            separate = {
                key: one_by_one([each[key] for each in alone], like=value)
                for key, value in together.items()
            }
            what = f"{name} in a batch"
            apart = answer_difference(separate, together, what, tolerance, names)
            worst = max(worst, apart)
        return f"batched requests equal separate ones, largest difference {worst:.1e}"

    def _batches(self) -> Iterator[tuple[str, Tensors]]:
        """The recorded requests; if tasks may differ in the number of classes, also such tasks."""
        for name, inputs, outputs in self._records:
            yield name, inputs
            labels = inputs.get(SUPPORT_Y)
            if (
                labels is None
                or PROBABILITIES not in outputs
                or self._manifest.num_outputs is not None
            ):
                continue
            fewer = [task // (i + 1) for i, task in enumerate(labels)]
            yield name, {**inputs, SUPPORT_Y: np.array(fewer, labels.dtype)}

    def check_refusals(self) -> str:
        """Wrong input is refused with its name, and the model goes on serving."""
        number = 0
        for name, inputs, _ in self._records:
            for what, request in malformed(inputs, self._manifest.input_format).items():
                self._check_refused(name, what, request)
                number += 1
            self._model.run(name, inputs)
        return f"{number} malformed requests refused by name"

    def _check_refused(self, name: str, what: str, request: Tensors) -> None:
        try:
            self._model.run(name, request)
        except LoaderError as error:
            if error.code == "INVALID_ARGUMENT" and what.split()[0] in str(error):
                return
            message = f"{name}: {what} was refused without a clear message: {error}"
            raise CheckFailed(message) from error
        raise CheckFailed(f"{name}: {what} was answered, not refused")

    def check_no_python(self) -> str:
        """All checks ran without TensorFlow's Python."""
        if "tensorflow.python" in sys.modules:
            raise CheckFailed("TensorFlow's Python was loaded, so the checks above prove less")
        return "TensorFlow's Python was never loaded"


if __name__ == "__main__":
    print(json.dumps(Verifier(sys.argv[1]).run()))
