"""How fast episodes are made, in memory and from disk, beside a `choose_from_datasets` pipeline.

    python benchmarks/episodes.py [--rounds 5] [--batches 100] [--output FILE]
    python benchmarks/episodes.py --memory [--images 100000] [--output FILE]

Episodes are 5-way 1-shot with 15 queries, 28x28x1, batches of 32, of Omniglot's training split in
`TFDS_DATA_DIR` (without quarter turns, which the other pipeline does not have either). The three
take turns in one process; medians of the rounds are compared. The other pipeline is what tf.data
itself offers: a shuffled, endless dataset a class, from which `choose_from_datasets` takes as a
random choice says. `--memory`: how much a process grows that writes and streams so many images of
84x84x3, over what TensorFlow and the same pipeline over 100 images take.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

WAYS, SHOTS, QUERIES, TASKS, SEED = 5, 1, 15, 32, 0
WARM_UP = 10  # batches
PIXELS, SHOTS_AND_QUERIES = (84, 84, 3), SHOTS + QUERIES


def sources(folder: Path) -> dict:
    """Omniglot in memory, and from records."""
    from dataclasses import replace

    from tfmeta.episodes.class_source import ClassSource
    from tfmeta.pipelines import build
    from tfmeta.reading.record_file import write_records

    in_memory = build("omniglot", options={"rotations": False})
    records = write_records(folder / "records", [in_memory.index.examples], dict)
    streamed = ClassSource("streamed", replace(in_memory.index, examples=records))
    return {"in_memory": in_memory, "streamed": streamed}


def choose_from_datasets(source):
    """The same episodes by tf.data's own means: batches `(tasks, ways, shots + queries, ...)`."""
    import tensorflow as tf

    from tfmeta.reading.images import to_unit

    index, rng = source.index, np.random.default_rng(SEED)
    classes = index.classes("train")
    datasets = [
        tf.data.Dataset.from_tensor_slices(index.examples[index.labels == c])
        .shuffle(20, seed=SEED)
        .repeat()
        for c in classes
    ]

    def choices():
        while True:
            chosen = rng.choice(len(classes), WAYS, replace=False)
            yield from np.repeat(chosen, SHOTS_AND_QUERIES)

    choice = tf.data.Dataset.from_generator(choices, output_signature=tf.TensorSpec((), tf.int64))
    return (
        tf.data.Dataset.choose_from_datasets(datasets, choice)
        .batch(TASKS * WAYS * SHOTS_AND_QUERIES)
        .map(lambda x: to_unit(tf.reshape(x, (TASKS, WAYS, SHOTS_AND_QUERIES, 28, 28, 1))))
        .prefetch(4)
    )


def episodes_a_second(dataset, batches: int) -> float:
    """Of an iterator of its own: another's threads would go on filling its buffers meanwhile."""
    iterator = iter(dataset)
    for _ in range(WARM_UP):  # more than the buffers hold
        next(iterator)
    started = time.perf_counter()
    for _ in range(batches):
        next(iterator)
    return batches * TASKS / (time.perf_counter() - started)


def speeds(rounds: int, batches: int) -> dict:
    import tfmeta

    tfmeta.configure_runtime()
    from tfmeta.episodes.episode_shape import EpisodeShape

    with tempfile.TemporaryDirectory() as scratch:
        ours = sources(Path(scratch))
        shape = EpisodeShape(WAYS, SHOTS, QUERIES)
        sides = {
            name: source.episodes("train", shape, num_tasks=TASKS, seed=SEED)
            for name, source in ours.items()
        }
        sides["choose_from_datasets"] = choose_from_datasets(ours["in_memory"])
        taken = {name: [] for name in sides}
        for _ in range(rounds):
            for name, dataset in sides.items():
                count = batches if name in ours else max(1, batches // 20)
                taken[name].append(episodes_a_second(dataset, count))
    medians = {name: statistics.median(each) for name, each in taken.items()}
    others = medians["choose_from_datasets"]
    return {
        "episodes_a_second": medians,
        "rounds": taken,
        "streamed_share_of_memory": medians["streamed"] / medians["in_memory"],
        "times_choose_from_datasets": {n: s / others for n, s in medians.items()},
    }


def peak_of(images: int) -> float:
    """Megabytes of resident memory that writing and streaming so many images took at most."""
    import resource

    from tfmeta.episodes.class_index import ClassIndex
    from tfmeta.episodes.class_source import ClassSource
    from tfmeta.episodes.episode_shape import EpisodeShape
    from tfmeta.reading.record_file import write_records

    rng, num_classes = np.random.default_rng(SEED), images // 100 if images > 100 else 5
    chunk = rng.integers(0, 256, (100, *PIXELS), np.uint8)
    with tempfile.TemporaryDirectory() as scratch:
        batches = (chunk for _ in range(images // len(chunk)))
        records = write_records(Path(scratch) / "records", batches, dict)
        labels = np.arange(len(records)) % num_classes
        names = tuple(map(str, range(num_classes)))
        index = ClassIndex(records, labels, {"train": np.arange(num_classes)}, names)
        episodes = ClassSource("noise", index).episodes(
            "train", EpisodeShape(WAYS, SHOTS, QUERIES), num_tasks=4
        )
        for _ in episodes.take(500):
            pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory(images: int) -> dict:
    peaks = {}
    for number in (100, images):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peaks[number] = pool.apply(peak_of, (number,))
    return {
        "images": images,
        "pixels_megabytes": images * int(np.prod(PIXELS)) / 2**20,
        "peak_megabytes": peaks[images],
        "peak_megabytes_of_100_images": peaks[100],
        "growth_megabytes": peaks[images] - peaks[100],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=100, help="a round")
    parser.add_argument("--memory", action="store_true", help="measure memory, not speed")
    parser.add_argument("--images", type=int, default=100_000, help="of --memory")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    report = memory(options.images) if options.memory else speeds(options.rounds, options.batches)
    report["cores"] = len(os.sched_getaffinity(0))
    text = json.dumps(report, indent=1)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
