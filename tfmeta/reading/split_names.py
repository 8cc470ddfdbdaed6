"""The names of splits."""

SPLITS = ("train", "validation", "test")
# Names that people use for splits, in lower case.
SPLIT_NAMES = {name: name for name in SPLITS} | dict.fromkeys(("val", "valid", "dev"), "validation")
