"""What `tfmeta.learn` can learn from: one file per kind of data, and what they share."""
