"""Runs an export with TensorFlow's C++ alone, after its graph was looked at."""
