"""`tfmeta predict`."""

import click

from tfmeta import strict_json
from tfmeta.commands.startup import timeout_option
from tfmeta.commands.trust import trust_option
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
    from tfmeta.workflows import predict as workflow

    predictions = workflow.predict(exported_or_run_dir, images, support=support, timeout=timeout)
    if as_json:
        found = [prediction.to_dict() for prediction in predictions]
        click.echo(strict_json.dumps({"predictions": found}))
    else:
        for each in predictions:
            say(f"{each.image}  {each.label}  {each.confidence:.3f}")
