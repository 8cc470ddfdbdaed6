"""What TensorBoard shows of a run; all of it is written by TensorFlow alone."""
