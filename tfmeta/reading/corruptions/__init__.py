"""What may be wrong with an example when a model is used: one file for each kind of input."""
