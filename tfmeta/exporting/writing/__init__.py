"""A learner's adapt and predict_with, traced -> a SavedModel and what lies beside it."""
