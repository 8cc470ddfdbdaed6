"""The command line: `tfmeta COMMAND`. Imports no TensorFlow, so that `--help` answers at once."""

import errno
from typing import Any

import click

import tfmeta
from tfmeta import safety_net
from tfmeta.commands.compare import compare
from tfmeta.commands.derive import derive
from tfmeta.commands.episodes import episodes
from tfmeta.commands.evaluate import evaluate
from tfmeta.commands.explain import explain
from tfmeta.commands.export import export
from tfmeta.commands.inspect import inspect
from tfmeta.commands.learn import learn
from tfmeta.commands.listing import algorithms, networks, pipelines
from tfmeta.commands.optima import optima
from tfmeta.commands.predict import predict
from tfmeta.commands.replay import replay
from tfmeta.commands.report import report
from tfmeta.commands.robustness import robustness
from tfmeta.commands.runs import runs
from tfmeta.commands.startup import open_standard_streams
from tfmeta.commands.train import train
from tfmeta.commands.verify import verify
from tfmeta.errors import UserError
from tfmeta.terminal import plain


class _Commands(click.Group):
    """Shows a user's mistake, and an unforeseen error, as one line without a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except UserError as error:
            raise _shown(" ".join(str(error).split()), error.exit_status) from error
        except click.ClickException as error:
            error.message = plain(error.message)  # type: ignore[misc]
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            is_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE  # Click ends it
            if is_pipe or not safety_net.is_spread():
                raise
            raise _shown(safety_net.told(error), 1) from error

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)  # in the order of the work, and not of the alphabet


def _shown(line: str, exit_status: int) -> click.ClickException:
    shown = click.ClickException(plain(line))
    shown.exit_code = exit_status  # type: ignore[misc]
    return shown


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tfmeta.__version__, prog_name="tfmeta")
def main() -> None:
    """Few-shot learning, from a labelled dataset to a model in TensorFlow Serving.

    \b
    tfmeta learn DIR                                  know the classes of your images, at once
    tfmeta inspect image-folder --data-dir DIR        what is in your own data
    tfmeta train glyphs --run-dir runs/first          learn to learn (no download)
    tfmeta evaluate runs/first                        accuracy on unseen classes
    tfmeta export runs/first --output exported/first  a SavedModel that adapts
    tfmeta verify exported/first                      run it in TensorFlow's C++
    """
    open_standard_streams()


for command in (
    learn,
    inspect,
    train,
    replay,
    derive,
    optima,
    episodes,
    evaluate,
    compare,
    report,
    runs,
    export,
    verify,
    predict,
    explain,
    robustness,
    algorithms,
    pipelines,
    networks,
):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="tfmeta")
