"""Small runs of policies in environments."""

from made_once import made_once

import tfmeta

HORIZON, HIDDEN, RATE = 6, 4, 0.5
SETTINGS = {
    "algorithm": "maml",
    "pipeline_options": {"horizon": HORIZON, "discount": 0.9},
    "network_options": {"hidden": [HIDDEN], "activation": "tanh"},
    "learner_options": {"inner_learning_rate": RATE, "vectorised": False},
    **dict.fromkeys(("shots", "queries", "train_shots", "train_queries"), 2),
    "meta_batch": 2,
    "steps": 6,
    "log_every": 2,
    "validate_every": 2,
    "validation_tasks": 2,
    "checkpoint_seconds": 0,
}


@made_once("policies/point")
def point_run(path):
    """A run of point navigation, looked at after each validation."""
    tfmeta.train("gym:point-navigation", run_dir=path, diagnosis_share=1.0, **SETTINGS)
