"""From settings to a trained learner in a run directory."""
