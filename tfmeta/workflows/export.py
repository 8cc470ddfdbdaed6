"""`tfmeta.export`: a run's learner as a SavedModel, or as a file for a device."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tfmeta.confidence import Confidence
from tfmeta.episodes.episode_shape import in_words
from tfmeta.errors import UserError
from tfmeta.evaluation.calibration import calibrate
from tfmeta.exporting.kinds import KINDS
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.loading.earlier_version import change_for_clients
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.flags import check_flags
from tfmeta.named_code import trusting
from tfmeta.reading.support_arrays import read_support_arrays
from tfmeta.training.loading import load
from tfmeta.training.opening import open_source_of_run
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.shapes import episode_shape
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_names, path, progress_or_log
from tfmeta.workflows.export_request import ExportRequest

# Settings of an export for tasks of one size.
_ONE_SIZE: dict[str, Any] = {"least_ways": None, "least_shots": None}


def export(
    run: AnyPath,
    *,
    output: AnyPath | None = None,
    data_dir: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Path:
    """Exports the learner of a run, as `tfmeta export` does.

    Args:
        run: the run directory, or what `tfmeta.train` returned.
        output: the model's folder; the next free version is made in it. `exported/RUN` for None.
        data_dir: where the run's data is now, for the calibration; None: where it was.
        trust: whether to run code that the run names or holds and that is not tfmeta's own.
        progress: receives messages on the way; by default they go to the log.
        **options: the attributes of `ExportRequest`, such as `kind`, `format` and `support`.

    Returns:
        The version's folder, or the LiteRT file.

    Raises:
        UserError: if the options do not go together, there is no such run, it is damaged, its
            learner can't be exported so, or the folder can't be written.
    """
    check_names("export", options, {each.name for each in fields(ExportRequest)})
    check_flags(trust=trust)
    request, trained = ExportRequest(**options), RunDirectory.open(path("run", run))
    progress = progress_or_log(progress, "export")
    data_dir = None if data_dir is None else str(path("data_dir", data_dir))
    named = Path("exported") / trained.path.resolve().name
    output = named if output is None else path("output", output)
    with trusting(trust):
        settings = replace(trained.settings, data_dir=data_dir or trained.settings.data_dir)
        work = _Export(trained, request, settings, progress)
        return work.write(output)


_UNCALIBRATED = "The model may be sure of wrong answers, and `unknown` is one minus the confidence"


class _Export:
    """One export of a run."""

    def __init__(
        self, run: RunDirectory, request: ExportRequest, settings: Settings, progress: Progress
    ):
        self._run, self._request, self._settings = run, request, settings
        self._progress, self._facts = progress, run.source_facts
        self._learner = load(run.path, checkpoint=request.checkpoint)
        self._write: Callable[..., Path] = export_model
        self._options: dict[str, Any] = {"input_format": self._facts.input_format}
        if request.is_litert:  # imports TensorFlow's converter
            from tfmeta.exporting.writing import litert

            self._write = litert.export_model
        else:
            self._options["limits"] = RequestLimits.from_dict(request.limits)

    def write(self, output: Path) -> Path:
        """Writes the model into the next free version of `output`."""
        # A learner that was saved by an older version may not know what its targets are.
        self._learner.tell_targets(self._facts.target_kind)
        if KINDS[self._request.kind].takes_support:
            self._prepare_tasks()
        else:
            self._prepare_support()
        if not self._learner.target_kind.are_values:
            self._options["confidence"] = self._confidence
        version = self._write(self._learner, output, self._request.kind, **self._options)
        if version.is_dir() and (change := change_for_clients(version)):
            self._progress.say(f"warning: {change}")
        return version

    def _prepare_support(self) -> None:
        """The confidence is fitted on tasks as large as the support set that is baked in."""
        assert self._request.support is not None  # the request refuses its absence
        names, x, y, _ = read_support_arrays(
            self._request.support, self._facts, num_classes=self._learner.num_outputs
        )
        self._options |= {"support": (x, y), "class_names": names}
        if names is not None:
            shots = min(int((y == label).sum()) for label in range(len(names)))
            self._settings = replace(self._settings, ways=len(names), shots=shots, **_ONE_SIZE)

    def _prepare_tasks(self) -> None:
        request = self._request
        if request.is_litert:
            ways, shots = request.ways or self._settings.ways, request.shots or self._settings.shots
            self._settings = replace(self._settings, ways=ways, shots=shots, **_ONE_SIZE)
            self._options |= {"ways": ways, "shots": shots}
        else:
            self._options["padded"] = request.padded_support

    def _confidence(self) -> Confidence:
        """Fitted on the run's own data; if there is no such data, unfitted, with a warning."""
        if not self._request.calibration_tasks:
            self._progress.say(f"exported without calibration, as asked: {_UNCALIBRATED}")
            return Confidence()
        try:
            source = open_source_of_run(self._run, self._settings)
            shape = episode_shape(self._settings)
            self._run.check_splits(source.recorded_splits())
            tasks = self._request.calibration_tasks
            confidence = calibrate(self._learner, source, shape, num_tasks=tasks)
        except UserError as error:
            self._progress.say(
                f"warning: exported without calibration, which needs the run's data: {error}. To "
                "export without it, choose 0 calibration_tasks (--calibration-tasks 0). "
                f"{_UNCALIBRATED}"
            )
            return Confidence()
        if confidence.report is not None:
            self._progress.say(_sentence(confidence.report))
        return confidence


def _sentence(report: dict[str, Any]) -> str:
    auroc = report["unknown_auroc"]
    unknown = "" if auroc is None else f"; AUROC of the unknown score {auroc:.3f}"
    return (
        f"expected calibration error {100 * report['ece_before']:.1f}% before, "
        f"{100 * report['ece_after']:.1f}% after fitting{unknown}  ({in_words(report)}, "
        f"{report['mode']}, {report['num_tasks']} tasks of the {report['split']} split of "
        f"{report['pipeline']})"
    )
