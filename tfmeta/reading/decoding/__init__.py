"""What TensorFlow's image decoders do not do: checks, orientation, opacity, shapes."""
