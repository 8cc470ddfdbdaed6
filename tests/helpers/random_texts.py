"""Random requests of texts to a model, some of them malformed; run in the loader's process."""

import numpy as np

from tfmeta.reading.text_format import TextFormat

# First and last of some letters; the surrogates between 0xD800 and 0xDFFF are no letters.
_RANGES = [(0x20, 0x7E), (0xA1, 0x24F), (0x370, 0x5FF), (0x600, 0x6FF), (0xE00, 0xE7F),
           (0x3040, 0x9FFF), (0xAC00, 0xD7A3), (0xFF01, 0xFF5E), (0x1F300, 0x1F6FF),
           (0, 0xD7FF), (0xE000, 0x10FFFF)]  # fmt: skip


def text(rng) -> bytes:
    """A text with a word in it."""
    ranges = [_RANGES[i] for i in rng.integers(len(_RANGES), size=rng.integers(1, 40))]
    letters = [chr(rng.integers(*each, endpoint=True)) for each in ranges]
    letters.insert(rng.integers(len(letters) + 1), " word ")
    return "".join(letters).encode()


def _texts(rng, *shape):
    found = np.empty(shape, object)
    for index in np.ndindex(*shape):
        found[index] = text(rng)
    return found


def request(rng, signature):
    if signature == "predict_text":
        return {"x_text": _texts(rng, rng.integers(1, 5))}
    tasks, ways = rng.integers(1, 3), rng.integers(2, 5)
    labels = np.stack([rng.permutation(np.arange(2 * ways) % ways) for _ in range(tasks)])
    return {
        "support_x_text": _texts(rng, tasks, 2 * ways),
        "support_y": labels.astype(np.int32),
        "query_x_text": _texts(rng, tasks, rng.integers(1, 4)),
    }


def malformed(rng, good):
    """What is wrong now, beginning with the input's name, and the request."""
    key = rng.choice([name for name in good if name.endswith("_text")])
    value = good[key].copy()
    changes = {**TextFormat.spoilt, "too long": lambda each: each + b"a" * 100_001}
    ways = {
        **dict.fromkeys(changes),
        "of a higher rank": value[np.newaxis],
        "without a text": value[..., :0] if key == "support_x_text" else None,
    }
    what = rng.choice([name for name in ways if name in changes or ways[name] is not None])
    if what in changes:
        place = rng.integers(value.size)
        value.flat[place] = changes[what](value.flat[place])
    else:
        value = ways[what]
    return f"{key} {what}", {**good, key: value}


def attack(version, signature: str, number: int, seed: int) -> tuple[int, list[str]]:
    """Asks a model; returns how many malformed requests there were, and what went wrong."""
    from tfmeta.exporting.loading.c_loader import CLoader, LoaderError

    rng, wrong, count = np.random.default_rng(seed), [], 0
    model = CLoader(version, check_shapes=False)
    for _ in range(number):
        inputs, what = request(rng, signature), None
        if rng.random() < 1 / 3:
            what, inputs = malformed(rng, inputs)
            count += 1
        try:
            answer = model.run(signature, inputs)
        except LoaderError as error:
            names = [what.split()[0], "support_y"] if what else []
            if error.code != "INVALID_ARGUMENT" or not any(n in str(error) for n in names):
                wrong.append(f"{what}: {inputs}: {error}")
        else:
            if what or not np.isfinite(answer["probabilities"]).all():
                wrong.append(f"{what} was answered: {inputs}")
    return count, wrong
