"""Names that are orders to a terminal, to Markdown or to protobuf's text format."""

import re
import shlex

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from rich.console import Console
from trained import inside

from tfmeta.commands.reporting import Reporter
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.manifest import Manifest
from tfmeta.exporting.writing import readme, serving_files
from tfmeta.reading.row_format import PLAIN
from tfmeta.terminal import markdown, plain

ORDER = "\x1b]0;title\x07\x1b[31m"  # names the window, and writes in red
NAMES = (
    f"a{ORDER}b",
    "x[/red]y",
    "x[red]y:smile:",
    "line\nof its own",
    "turned \u202e round",
    "c1 \x9b31m",
    'quo"te',
    "it's",
    "back\\slash",
    "$(touch x)",
    "<script>alert(1)</script>",
    "grüße 😀",
    " ",
)
_ORDERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_orders_are_shown_as_numbers():
    assert plain(f"a{ORDER}\n") == "a\\x1b]0;title\\x07\\x1b[31m\\n"
    assert plain("\x9b\u202e\u2028\udcff") == "\\x9b\\u202e\\u2028\\xff"
    assert plain("grüße 😀 [red]") == "grüße 😀 [red]"
    assert markdown("<b>[x](y)|`*\\") == r"\<b\>\[x\](y)\|\`\*" + "\\\\"


@pytest.mark.attack(
    "a path with escape sequences, `x[/red]y` or an end of line, in an error of any command",
    "shown as numbers, in one line",
)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["evaluate", "verify", "export", "predict", "replay"])
def test_errors(command, name, tmp_path, capfd):
    more = {"predict": [tmp_path / name], "replay": ["--step", "1"]}.get(command, [])
    status, out, err = inside(capfd, command, tmp_path / name, *more)
    assert status in (1, 2)
    assert not _ORDERS.search(out + err)
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.attack("the same in the names of classes and files that `inspect` prints", "likewise")
def test_inspect(tmp_path, capfd):
    classes = [name for name in NAMES if "/" not in name]
    for number, name in enumerate(classes):
        (tmp_path / "data" / name).mkdir(parents=True)
        for image in range(3):
            pixels = np.random.default_rng([number, image]).integers(0, 256, (9, 9), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{image}{ORDER}.png")
    options = ["--ways", "2", "--shots", "1", "--queries", "1", "--skip-small-classes"]
    sheet = ["--contact-sheet", tmp_path / "sheet.png"]
    _, out, err = inside(
        capfd, "inspect", "image-folder", "--data-dir", tmp_path / "data", *options, *sheet
    )
    assert "Traceback" not in err
    assert not _ORDERS.search(out + err)
    assert "classes" in out, err


@pytest.mark.attack("the same in what `train` and `verify` report", "likewise")
@pytest.mark.parametrize("name", NAMES)
def test_reports(name, capfd):
    from tfmeta.commands.verify import _show
    from tfmeta.workflows.verify import Verification

    _show(Verification(name, False, [{"check": name, "ok": False, "detail": name}]))
    for is_terminal in (False, True):
        console = Console(stderr=True, highlight=False, force_terminal=is_terminal, width=200)
        with Reporter("train", console) as reporter:
            reporter.say(name)
            reporter.advance(1.0, name)
    err = capfd.readouterr().err
    assert ORDER not in err
    assert "\u202e" not in err
    assert "\x9b" not in err
    assert plain(name).strip() in err


@pytest.mark.attack(
    "a model's name with quotes, backslashes or control characters in `models.config`",
    "protobuf reads the name that it is",
)
@pytest.mark.parametrize("name", NAMES)
def test_models_config(name, tmp_path):
    from tensorflow_serving.config import model_server_config_pb2

    serving_files.write(tmp_path, name)
    text = (tmp_path / "models.config").read_text()
    assert not _ORDERS.search(text)
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert model.name == name
    assert model.base_path == f"/models/{name}"


@pytest.mark.attack("the same in an export's README", "Markdown and the shell take them for text")
@pytest.mark.parametrize("name", NAMES)
def test_readme(name):
    manifest = Manifest(
        kind="learner",
        algorithm=name,
        mode="inductive",
        tfmeta="0",
        input_format=PLAIN,
        class_names=None,
        confidence={"temperature": 1.0, "report": None},
        input_shape=[1],
        input_dtype="float32",
        num_outputs=5,
        target_centre=None,
        target_spread=None,
        padded=False,
        answers_of="Keras",
        files={},
        limits=RequestLimits().of(PLAIN),
    )
    inputs, outputs = {"support_x": None, "query_x": None}, {"label": None}
    text = readme.text(name, manifest, {"adapt_and_predict": (inputs, outputs)})
    assert not _ORDERS.search(text)
    assert text.startswith(f"# {markdown(name)}\n")
    assert "<script>" not in text.split("\n## ")[0]
    command = text.partition("docker run")[2].partition("\n\n")[0].replace("\\\n", " ")
    words = shlex.split(command)
    assert words[-1] == "tensorflow/serving"
    assert f"MODEL_NAME={plain(name)}" in words
    assert f"$(pwd)/{plain(name)}:/models/{plain(name)}" in words
