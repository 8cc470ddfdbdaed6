"""`tfmeta predict`."""

import click

from tfmeta import strict_json
from tfmeta.commands.startup import timeout_option
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.terminal import say


@click.command()
@click.argument("exported_or_run_dir", type=click.Path())
@click.argument("images", nargs=-1, required=True, type=click.Path(), metavar="IMAGE...")
@click.option("--support", type=click.Path(), help="Folder with a subfolder of images a class.")
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@timeout_option
def predict(exported_or_run_dir, images, support, as_json, timeout):
    """Label each IMAGE with one of the classes in the --support folder, and say how sure.

    The model is an export (exported/NAME) or a run (runs/NAME), whose confidence is not fitted
    yet. An `adapted` export has its support set baked in and takes none. --json also has each
    image's `unknown`: from 0 to 1, how likely it is of none of the classes.
    """
    from tfmeta.pipelines.support_set import read_image

    encoded = [read_image(path) for path in images]
    names, probabilities, unknown = _answers(exported_or_run_dir, support, encoded, timeout)
    predictions = [
        {
            "image": str(image),
            "label": names[row.argmax()],
            "confidence": float(row.max()),
            "unknown": float(score),
            "probabilities": dict(zip(names, row.tolist(), strict=True)),
        }
        for image, row, score in zip(images, probabilities, unknown, strict=True)
    ]
    if as_json:
        click.echo(strict_json.dumps({"predictions": predictions}))
    else:
        for each in predictions:
            say(f"{each['image']}  {each['label']}  {each['confidence']:.3f}")


def _answers(model, support, encoded, timeout):
    """Class names, `(images, classes)` probabilities and `(images,)` unknown scores."""
    from pathlib import Path

    from tfmeta.commands import predictors

    if (Path(model) / "config.json").is_file():
        predictor = predictors.RunPredictor(model)
    else:
        predictor = predictors.ExportPredictor(model, timeout=timeout)
    if predictor.is_adapted:
        if support:
            raise UserError(f"{model} has its support set baked in; leave --support out")
        answer = predictor.answer(None, encoded)
        return answer["class_names"], answer["probabilities"], answer["unknown"]
    if not support:
        raise UserError("received no support set; expected --support DIR, a subfolder a class")
    from tfmeta.pipelines.support_set import read_support_folder

    names, files, labels = read_support_folder(support, num_classes=predictor.num_classes)
    answer = predictor.answer((files, labels), encoded)
    probabilities = answer["probabilities"][:, : len(names)]
    # A learner of 5 classes given 3: the answer is among the three.
    return names, probabilities / probabilities.sum(-1, keepdims=True), answer["unknown"]
