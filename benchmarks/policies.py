"""Policies that were meta-trained beside one policy for all tasks, and one that knows the task.

    python benchmarks/policies.py point FOLDER
    python benchmarks/policies.py cheetah FOLDER

Finn et al. 2017, section 5.3. Each of three runs goes to FOLDER, or goes on there: MAML with one
inner step; Reptile with one inner step, which is one policy trained on all tasks, and takes the
same step in a test; and the same with the task beside the observation, which takes none. It prints
a table of returns before and after the step on 200 test tasks (of "cheetah" 40), seed 0, with 95%
intervals, and FOLDER/result.json holds them with the learning curves. See docs/results.md.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import tfmeta

ONE: dict[str, Any] = {  # the mean of the tasks' policy gradients
    "algorithm": "reptile",
    "outer_optimizer": "adam",
    "outer_schedule": "cosine",
    "learner_options": {"inner_steps": 1, "test_inner_steps": 1, "num_minibatches": 1},
}
KINDS: dict[str, dict[str, Any]] = {
    "maml": {"algorithm": "maml"},
    "one policy": ONE,
    "knows the task": {**ONE, "pipeline_options": {"knows_task": True}},
}
ENVIRONMENTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "point": ("gym:point-navigation", {}, 200),
    "cheetah": (
        "gym:half-cheetah-direction",
        {"meta_batch": 8, "validation_tasks": 4, "steps": 300, "outer_lr": 0.001},
        40,
    ),
}


def measured(environment: str, folder: Path) -> dict[str, Any]:
    """The curve and the returns of each kind of policy."""
    pipeline, settings, tasks = ENVIRONMENTS[environment]
    found = {}
    for name, options in KINDS.items():
        run_dir = folder / name.replace(" ", "-")
        if run_dir.exists():
            run = tfmeta.train(run_dir=run_dir, resume=True)
        else:
            run = tfmeta.train(pipeline, run_dir=run_dir, **settings, **options)
        lines = (run_dir / "metrics.jsonl").read_text().splitlines()
        facts = tfmeta.evaluate(run, tasks=tasks).facts
        found[name] = {"facts": facts, "curve": [json.loads(line) for line in lines]}
    return found


def table(found: dict[str, Any]) -> list[str]:
    lines = ["| policy | before | after one step |", "| --- | --- | --- |"]
    for name, each in found.items():
        before, after = each["facts"]["adaptation_curve"]
        lines.append(f"| {name} | {before:.2f} | {after:.2f} +- {each['facts']['ci95']:.2f} |")
    random = found["maml"]["facts"]["baselines"][0]
    return [*lines, f"| actions at random | {random['return']:.1f} +- {random['ci95']:.1f} | |"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", choices=ENVIRONMENTS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    tfmeta.configure_runtime()
    options.folder.mkdir(parents=True, exist_ok=True)
    found = measured(options.environment, options.folder)
    (options.folder / "result.json").write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
