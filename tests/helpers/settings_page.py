"""Writes docs/reference/settings.md: every setting of a run, from the code that has it.

python tests/helpers/settings_page.py
"""

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
_HEAD = """# Settings

Written by `make faults` from the code; a test compares this page with it. Each line is a key of
`config.json`, and a KEY of `--set KEY=VALUE`. In Python a setting is a keyword argument of
`tfmeta.train`. `null` stands for what the learner's recipe or the pipeline says;
`tfmeta train ... --print-config` shows what that is.

| setting | default | what it is |
| --- | --- | --- |
"""
_OWN = """
## Options of a pipeline, a network or a learner

Each has options of its own: `pipeline.NAME`, `network.NAME` and `learner.NAME`. In Python they are
the dictionaries `pipeline_options`, `network_options` and `learner_options`.
"""
_TABLE = "\n| {} | options with their defaults |\n| --- | --- |\n"
# What tfmeta gives, or another setting says.
_GIVEN = {"self", "network", "kwargs", "input_shape", "num_outputs", "transductive"}
_GIVEN |= {"num_training_classes", "num_steps", "seed"}
_GIVEN |= {"name", "preset", "path"}  # what stands in a network's name


def described(docstring: str) -> dict[str, str]:
    """`{name: text}` of a docstring's `Attributes:`; names that share a text share it here."""
    block = inspect.cleandoc(docstring).partition("Attributes:\n")[2].partition("\n\n")[0]
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \w)", block):  # what is indented deeper goes on
        names, _, text = " ".join(entry.split()).partition(": ")
        found |= dict.fromkeys(names.split(", "), text)
    return found


def page() -> str:
    """The whole page."""
    from tfmeta.pipelines import listing
    from tfmeta.training.settings import _IF_SET, Settings

    texts = described(Settings.__doc__)
    names = [each.name for each in fields(Settings) if not each.name.endswith("_options")]
    written = Settings().to_flat()
    # A newer setting is in no file unless it is set, and is called the same everywhere.
    left_out = {name: getattr(Settings(), name) for name in names if name in _IF_SET}
    keys = zip(written, [name for name in names if name not in left_out], strict=True)
    key_of = {name: key for key, name in keys} | {name: name for name in left_out}
    values = {**written, **left_out}
    lines = [_row(key_of[name], values[key_of[name]], texts[name]) for name in names]
    pipelines = {name: each["options"] for name, each in listing().items()}
    sections = {"pipeline": pipelines, "network": _networks(), "learner": _learners()}
    return _HEAD + "".join(lines) + _OWN + "".join(map(_section, sections, sections.values()))


def _row(*cells):
    key, value, text = cells
    return f"| `{key}` | `{json.dumps(value)}` | {text.replace('|', '/')} |\n"


def _section(kind, options):
    rows = (f"| `{name}` | {_options(each) or 'none'} |\n" for name, each in options.items())
    return _TABLE.format(kind) + "".join(rows)


def _options(defaults):
    return ", ".join(f"`{name}={_shown(value)}`" for name, value in defaults.items())


def _shown(value):
    return "..." if value is inspect.Parameter.empty else json.dumps(value)


def _networks():
    from tfmeta.network_registry import FAMILIES, NETWORKS
    from tfmeta.networks.saved_network import saved_network

    named = {name: row.load() for name, row in {**NETWORKS, **FAMILIES}.items()}
    named["path/to/model.keras"] = saved_network
    return {name: _defaults(each) for name, each in named.items()}


def _learners():
    from tfmeta import MetaLearner
    from tfmeta.learners import ALGORITHMS
    from tfmeta.learners.gradient_learner import GradientLearner

    own = {}
    for name, algorithm in ALGORITHMS.items():
        learner = algorithm.load()
        options = _defaults(learner.__init__) if "__init__" in vars(learner) else {}
        own[name] = options | algorithm.options
    parameters = inspect.signature(GradientLearner.__init__).parameters.values()
    of_loops = {each.name: each.default for each in parameters if each.kind == each.KEYWORD_ONLY}
    return own | {
        "every learner with an inner loop": of_loops,
        "every learner": _defaults(MetaLearner.__init__),
    }


def _defaults(function):
    parameters = inspect.signature(function).parameters
    return {name: p.default for name, p in parameters.items() if name not in _GIVEN}


if __name__ == "__main__":
    PAGE.write_text(page())
