"""`tfmeta learn`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.trust import trust_option
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say, width


@click.command()
@click.argument("data", type=click.Path(), metavar="FOLDER|FILE")
@click.option(
    "--network",
    shell_complete=completion.networks,
    help="What makes features of the examples; one of `tfmeta networks`.  [default: "
    "efficientnet_lite2; of texts multilingual_e5, if it is installed; of others no training]",
)
@click.option("--output", type=click.Path(), help="[default: exported/NAME, as the data is called]")
@click.option("--label", metavar="COLUMN", help="The classes' column in a table.  [default: label]")
@click.option("--text", metavar="COLUMN", help="The texts' column, if it is not called text.")
@click.option("--target", metavar="COLUMN", help="A column of values, in place of classes.")
@click.option("--features", metavar="A,B,...", help="Columns of features.  [default: all others]")
@click.option("--exclude", metavar="A,B,...", help="Columns that are no features.")
@click.option("--missing", metavar="mean", help="Fill in missing numbers with the column's mean.")
@click.option(
    "--categories",
    metavar="auto",
    help="Take columns of texts as categories; or JSON of the values by column.",
)
@click.option(
    "--hold-out-by",
    metavar="COLUMN|REGEX",
    help="Hold out examples of one value together: of one person, say. In a folder, a regular "
    "expression finds it in the names of the files.",
)
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that can't be read.")
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def learn(as_json: bool, **options: Any) -> None:
    """Learn the classes of FOLDER at once, and export a model that knows them.

    FOLDER has one folder of images, sounds or texts (.txt) per class, with one or more in each.
    FILE is a CSV, JSONL or Parquet file of texts with a column of classes; or an NPZ, CSV or
    Parquet file of features with a column of classes, or of values. Nothing is trained: a network
    makes features of the images, sounds or texts, each once, and a head is computed from them.
    Each example is held out once, to choose the head, to say how good it is, and to calibrate its
    confidence.

    Two verified exports come out: exported/NAME answers with the names of the classes, and
    exported/NAME-learner learns any support set that a request brings.
    """
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows.learnable.request import request_for

    given = {name: value for name, value in options.items() if value is not None}
    with Reporter("learn") as reporter:
        request = request_for(given.pop("data"), progress=reporter, **given)
        start_tensorflow()
        from tfmeta.workflows.learn import carry_out

        learned = carry_out(request)
    if as_json:
        click.echo(strict_json.dumps(learned.to_dict()))
    else:
        say(*learned.lines(width()))
