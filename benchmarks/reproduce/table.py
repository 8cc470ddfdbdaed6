"""Writes docs/reproduction.md from the configs and the results of this folder.

python benchmarks/reproduce/table.py
"""

import json
from pathlib import Path
from typing import Any

from run import configs, result_file

PAGE = Path(__file__).parents[2] / "docs" / "reproduction.md"
_TOP = """# Results of papers

`python benchmarks/reproduce/run.py CONFIG` trains and evaluates one row; its config is in
`benchmarks/reproduce/`. `python benchmarks/reproduce/table.py` writes this page. Ours are of 600
test tasks with 15 queries per class, seed 0, with the 95% interval over the tasks, beside the best
of what needs no learning on the same tasks: accuracies in %, or the mean squared error. Minutes are
of the training on two cores; with a load above two the machine had other work.
"""
_HEAD = """
| | ours | without learning | the paper | differences | minutes |
| --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """The text of the page: a table per pipeline, and which configs have not been run."""
    every, text = configs(), _TOP
    for pipeline in dict.fromkeys(name.split("/")[0] for name in every):
        own = {name: every[name] for name in every if name.startswith(f"{pipeline}/")}
        done = [name for name in own if result_file(name).exists()]
        left = [f"`{name.split('/')[1]}`" for name in own if name not in done]
        text += f"\n## {pipeline}\n"
        if done:
            text += _HEAD + "".join(_row(name, own[name]) for name in done)
        if left:
            text += f"\nNot run yet: {', '.join(left)}.\n"
    return text


def _row(name: str, config: dict[str, Any]) -> str:
    result = json.loads(result_file(name).read_text())
    cells = [f"`{name.split('/')[1]}`", *_ours(result), _of_paper(config), config["differences"]]
    return f"| {' | '.join([*cells, _minutes(result)])} |\n"


def _ours(result: dict[str, Any]) -> tuple[str, str]:
    metric = "accuracy" if "accuracy" in result else "mse"
    best = max if metric == "accuracy" else min
    others = [each for each in result["baselines"] if each["name"] != "chance"]
    other = best(others, key=lambda each: each[metric])
    mode = "" if result["mode"] == "inductive" else f", {result['mode']}"
    return f"{_score(result, metric)}{mode}", f"{_score(other, metric)} ({other['name']})"


def _score(row: dict[str, Any], metric: str) -> str:
    if metric == "mse":
        return f"{row['mse']:.3g} +- {row['ci95']:.1g}"
    return f"{100 * row['accuracy']:.1f} +- {100 * row['ci95']:.1f}"


def _of_paper(config: dict[str, Any]) -> str:
    paper = config["paper"]
    if paper is None:
        return "none"
    interval = "" if paper["ci95"] is None else f" +- {paper['ci95']}"
    return f"{paper['score']}{interval} ({paper['reference']})"


def _minutes(result: dict[str, Any]) -> str:
    busy = f" (load {result['load_average']})" if result["load_average"] > result["cores"] else ""
    return f"{result['minutes']:g}{busy}"


if __name__ == "__main__":
    PAGE.write_text(page())
