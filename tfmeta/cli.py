"""The command line: `tfmeta COMMAND`. Imports no TensorFlow, so that `--help` answers at once."""

import click

import tfmeta
from tfmeta.commands.episodes import episodes
from tfmeta.commands.evaluate import evaluate
from tfmeta.commands.export import export
from tfmeta.commands.inspect import inspect
from tfmeta.commands.listing import algorithms, pipelines
from tfmeta.commands.optima import optima
from tfmeta.commands.predict import predict
from tfmeta.commands.replay import replay
from tfmeta.commands.startup import open_standard_streams
from tfmeta.commands.train import train
from tfmeta.commands.verify import verify
from tfmeta.errors import UserError


class _Commands(click.Group):
    """Shows a user's mistake as one line, without a traceback."""

    def invoke(self, context):
        try:
            return super().invoke(context)
        except UserError as error:
            shown = click.ClickException(" ".join(str(error).split()))
            shown.exit_code = error.exit_status
            raise shown from error

    def list_commands(self, context):
        return list(self.commands)  # in the order of the work, not of the alphabet


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tfmeta.__version__, prog_name="tfmeta")
def main():
    """Few-shot learning, from a labelled dataset to a model in TensorFlow Serving.

    \b
    tfmeta inspect image-folder --data-dir DIR        what is in your own data (see README.md)
    tfmeta train glyphs --run-dir runs/first          learn to learn (no download)
    tfmeta evaluate runs/first                        accuracy on classes it never saw
    tfmeta export runs/first --output exported/first  a SavedModel that adapts in its graph
    tfmeta verify exported/first                      run it through TensorFlow's C++ loader
    """
    open_standard_streams()


for command in (
    inspect,
    train,
    replay,
    optima,
    episodes,
    evaluate,
    export,
    verify,
    predict,
    algorithms,
    pipelines,
):
    main.add_command(command)
