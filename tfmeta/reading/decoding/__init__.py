"""What TensorFlow's image decoders leave to do: checks, orientation, opacity, shapes."""
