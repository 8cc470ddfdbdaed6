"""`tfmeta.predict`: names for images, by an export or a run. Imports TensorFlow only for a run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tfmeta import children
from tfmeta.errors import UserError
from tfmeta.exporting.contract import PROBABILITIES, UNKNOWN
from tfmeta.named_code import trusting
from tfmeta.reading.support_set import read_image, read_support_folder
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_flags, check_timeout, path, paths
from tfmeta.workflows.predictors import ExportPredictor, RunPredictor


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image.

    Attributes:
        image: the file.
        label: the name of the likeliest class.
        confidence: its probability.
        unknown: from 0 to 1, how likely the image is of none of the classes.
        probabilities: `{class: probability}`.
    """

    image: str
    label: str
    confidence: float
    unknown: float
    probabilities: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta predict --json` prints of it."""
        return asdict(self)


def predict(
    model: AnyPath,
    images: AnyPath | Sequence[AnyPath],
    *,
    support: AnyPath | None = None,
    timeout: float = children.DEFAULT_TIMEOUT,
    trust: bool = False,
) -> list[Prediction]:
    """Labels images, as `tfmeta predict` does.

    Args:
        model: an export, `exported/NAME` or `exported/NAME/VERSION`, or a run, whose confidence is
            not fitted yet.
        images: files; a list, or one.
        support: a folder with a subfolder of images per class; None for an `adapted` export, which
            has its support set baked in.
        timeout: seconds that an export's answer may take.
        trust: run code that a run names or holds, if it is not tfmeta's own.

    Returns:
        A Prediction of each image, in their order.

    Raises:
        UserError: if there is no such model or image, or the support set is missing, can't be read
            or has too many classes.
    """
    check_flags(trust=trust)
    check_timeout(timeout)
    model, images = path("model", model), paths("images", images)
    support = None if support is None else path("support", support)
    encoded = [read_image(image) for image in images]
    with trusting(trust):
        names, probabilities, unknown = _answers(model, support, encoded, timeout)
    return [
        Prediction(
            image=image,
            label=names[row.argmax()],
            confidence=float(row.max()),
            unknown=float(score),
            probabilities=dict(zip(names, row.tolist(), strict=True)),
        )
        for image, row, score in zip(images, probabilities, unknown, strict=True)
    ]


def _answers(
    model: Path, support: Path | None, encoded: list[bytes], timeout: float
) -> tuple[list[str], Any, Any]:
    """Class names, `(images, classes)` probabilities and `(images,)` unknown scores."""
    is_run = (model / "config.json").is_file()
    predictor: Any = RunPredictor(model) if is_run else ExportPredictor(model, timeout=timeout)
    if predictor.is_adapted:
        if support is not None:
            raise UserError(f"{model} has its support set baked in; leave --support out")
        answer = predictor.answer(None, encoded)
        return answer["class_names"], answer[PROBABILITIES], answer[UNKNOWN]
    if support is None:
        raise UserError("received no support set; expected --support DIR, a subfolder a class")
    names, files, labels = read_support_folder(support, num_classes=predictor.num_classes)
    answer = predictor.answer((files, labels), encoded)
    probabilities = answer[PROBABILITIES][:, : len(names)]
    # A learner of 5 classes given 3: the answer is among the three.
    return names, probabilities / probabilities.sum(-1, keepdims=True), answer[UNKNOWN]
