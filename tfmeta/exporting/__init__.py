"""A learner as a SavedModel that TensorFlow Serving runs, and the proof that it does."""
