"""How a file is mutated, and how many: a few in the suite, many in `make attack`."""

import os

# `make attack` sets TFMETA_ATTACKS=1000.
NUMBER = int(os.environ.get("TFMETA_ATTACKS", "15"))

KINDS = ("flip", "cut", "empty", "delete", "fifo", "folder", "deep", "zeros", "huge", "list")


def mutated(path, rng):
    """Does some harm to a file; returns what."""
    kind = rng.choice(KINDS)
    content = path.read_bytes()
    if kind == "flip":
        content = bytearray(content)
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        path.write_bytes(content)
    elif kind == "cut":
        path.write_bytes(content[: rng.integers(len(content))])
    else:
        path.unlink()
    if kind == "empty":
        path.touch()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "deep":
        path.write_text("[" * 100_000)
    elif kind == "list":
        path.write_text('[1, {"a": []}]')
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    elif kind == "huge":
        with open(path, "wb") as file:
            file.truncate(3 * 2**30)
    return str(kind)
