"""Runs and exports of a model of intents, made once a session, and their support sets."""
# ruff: noqa: RUF001 - Chinese punctuation is what is tested

import trained
from intents import intents, write_intents
from made_once import made_once

NUM_WAYS = 3
# Texts of the support set's classes that it does not hold, with their class.
QUERIES = {
    "I can't find my phone today": "lost phone",
    "Meine Rechnung kündigen, bitte": "cancel invoice",
    "请问车票多少钱，怎么办？": "price ticket",
}
_FEW = ["--calibration-tasks", "0"]
WORDS = ["--set", "pipeline.tokenizer=unicode"]


@made_once("texts/intents.csv")
def intents_csv(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_intents(path)


@made_once("texts/support.csv")
def support_csv(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = list(QUERIES.values())
    write_intents(path, [row for row in intents() if row[1] in labels and row[0] not in QUERIES])


@made_once("texts/run")
def run(path):
    options = [
        *WORDS,
        "--algorithm",
        "prototypical",
        "--steps",
        150,
        "--shots",
        5,
        *trained.WITHOUT_XLA,
    ]
    trained.call("train", "text", "--data-dir", intents_csv(), *options, "--run-dir", path)


@made_once("texts/learner")
def learner_export(path):
    trained.call("export", run(), *_FEW, "--output", path)


@made_once("texts/adapted")
def adapted_export(path):
    kind = ["--kind", "adapted", "--support", support_csv()]
    trained.call("export", run(), *kind, *_FEW, "--output", path)


@made_once("texts/generator")
def generator_export(path):
    small = [*WORDS, "--set", "network.embedding_size=8", "--set", "network.units=[8]"]
    steps = ["--algorithm", "maml", *trained.TINY, "--ways", NUM_WAYS, "--queries", 2]
    made = path.parent / "generator-run"
    trained.call("train", "text", "--data-dir", intents_csv(), *steps, *small,
                 *trained.WITHOUT_XLA, "--run-dir", made)  # fmt: skip
    trained.call("export", made, "--kind", "generator", *_FEW, "--output", path)
