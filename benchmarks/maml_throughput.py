"""Second-order MAML on Omniglot-sized tasks: tasks a second and peak memory.

    python benchmarks/maml_throughput.py [--learn2learn PATH] [--rounds 3]

The work: 28x28x1 images, conv4 (64 filters, strides), 5-way 1-shot, 1 query a class, 1 inner step,
meta-batch 32, Adam. Ours runs through Keras's `fit` with the episode pipeline beside it, inductive
(one more pass over the support set), after the first window, which compiles; learn2learn's loop
(clone, adapt, backward a task) gets its data for free. Each measurement has a process of its own,
and the rounds alternate. Prints JSON.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

STEPS, WINDOW = 60, 20


def ours(meta_batch: int, steps: int) -> dict:
    import tfmeta

    tfmeta.configure_runtime()
    import keras
    import numpy as np

    from tfmeta.episodes.class_index import ClassIndex
    from tfmeta.episodes.class_source import ClassSource
    from tfmeta.episodes.episode_shape import EpisodeShape
    from tfmeta.reading.image_format import ImageFormat

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (1100 * 20, 28, 28, 1), dtype=np.uint8)  # as Omniglot's training
    labels, classes = np.repeat(np.arange(1100), 20), np.arange(1100)
    index = ClassIndex(images, labels, {"train": classes}, tuple(map(str, classes)))
    source = ClassSource("random", index, image_format=ImageFormat(28, 28), rotations=True)
    episodes = source.episodes("train", EpisodeShape(5, 1, 1), num_tasks=meta_batch)

    learner = tfmeta.MAML(tfmeta.networks.conv4(), inner_steps=1, inner_learning_rate=0.4)
    learner.compile(keras.optimizers.Adam(1e-3))
    times = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: times.append(time.monotonic()))
    learner.fit(
        episodes,
        steps_per_epoch=WINDOW,
        epochs=1 + steps // WINDOW,
        callbacks=[clock],
        shuffle=False,
        verbose=0,
    )
    seconds = times[-1] - times[0]
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"tasks_per_second": steps * meta_batch / seconds, "peak_megabytes": megabytes}


def learn2learn(path: str, meta_batch: int, steps: int) -> dict:
    import importlib
    import types

    for name, folder in (("learn2learn", ""), ("learn2learn.algorithms", "/algorithms")):
        sys.modules[name] = types.ModuleType(name)  # its __init__ wants what we don't need
        sys.modules[name].__path__ = [f"{path}/learn2learn{folder}"]
    maml = importlib.import_module("learn2learn.algorithms.maml")
    import torch
    from torch import nn

    blocks, channels = [], 1
    for _ in range(4):
        blocks += [
            nn.Conv2d(channels, 64, 3, 2, 1, bias=False),
            nn.BatchNorm2d(64, track_running_stats=False),
            nn.ReLU(),
        ]
        channels = 64
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 5)]
    model = maml.MAML(nn.Sequential(*blocks, *head), lr=0.4, first_order=False)
    optimizer, loss = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()
    support, query = torch.rand(2, meta_batch, 5, 1, 28, 28)
    labels = torch.arange(5)

    def step():
        optimizer.zero_grad()
        for x, q in zip(support, query, strict=True):
            task = model.clone()
            task.adapt(loss(task(x), labels))
            loss(task(q), labels).backward()
        for parameter in model.parameters():
            parameter.grad.data.mul_(1 / meta_batch)
        optimizer.step()

    step()
    started = time.monotonic()
    for _ in range(steps):
        step()
    return {"tasks_per_second": steps * meta_batch / (time.monotonic() - started)}


def in_its_own_process(*arguments) -> dict:
    command = [sys.executable, __file__, "--one", *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learn2learn", help="folder of its unpacked source")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, *rest = options.one
        result = ours(*map(int, rest)) if name == "ours" else learn2learn(rest[0], 32, 6)
        return print(json.dumps(result))
    report = {"tfmeta": [], "learn2learn": []}
    for _ in range(options.rounds):
        report["tfmeta"].append(in_its_own_process("ours", 32, STEPS)["tasks_per_second"])
        if options.learn2learn:
            peer = in_its_own_process("learn2learn", options.learn2learn)
            report["learn2learn"].append(peer["tasks_per_second"])
    medians = {name: statistics.median(rates) for name, rates in report.items() if rates}
    if "learn2learn" in medians:
        report["ratio"] = medians["tfmeta"] / medians["learn2learn"]
    report["peak_megabytes_by_meta_batch"] = {
        size: in_its_own_process("ours", size, WINDOW)["peak_megabytes"] for size in (16, 128)
    }
    print(json.dumps({**report, "medians": medians}, indent=2))


if __name__ == "__main__":
    main()
