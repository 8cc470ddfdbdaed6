"""The measurements of `bench.py`, each in a process of its own; a peer's runs without tfmeta."""

import json
import resource
import sys
import time
import warnings
from dataclasses import replace
from typing import Any

NAMES = ("support_x", "support_y", "query_x", "query_y")
NUM_BATCHES, WINDOW = 4, 20


def _learner(name: str, **options: Any) -> Any:
    """tfmeta's learner of a case, compiled as `tfmeta train` does, with weights from seed 0."""
    import tfmeta

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns if it comes too late to count
        tfmeta.configure_runtime()
    import keras
    from cases import CASES

    keras.utils.set_random_seed(0)
    case = CASES[name]
    learner = case.make_learner(**options)
    loss = "mse" if case.is_sinusoid else keras.losses.SparseCategoricalCrossentropy(True)
    window = 500 if learner.is_vectorised else WINDOW
    learner.compile(
        keras.optimizers.Adam(1e-3),
        loss,
        steps_per_execution=window if learner.is_vectorised else 1,
    )
    return learner, case, window


def save(what: dict[str, Any]) -> dict[str, Any]:
    """Writes the tasks of the first steps and the weights; says what the first step's loss is."""
    import numpy as np

    learner, case, _ = _learner(what["case"], transductive=True)
    batches = list(case.episodes().take(NUM_BATCHES))
    trainable = [w.numpy() for w in learner.network.trainable_variables]
    arrays = {f"weight{i}": w for i, w in enumerate(trainable)}
    for i, batch in enumerate(batches):
        arrays |= {f"{name}{i}": getattr(batch, name).numpy() for name in NAMES}
    np.savez(what["file"], **arrays)
    return {"loss": float(learner.test_on_batch(batches[0], return_dict=True)["loss"])}


def ours(what: dict[str, Any]) -> dict[str, Any]:
    """Tasks per second through `fit`, the data included, after the first window."""
    learner, case, window = _learner(what["case"], transductive="transductive" in what["who"])
    import keras  # after the runtime is set up, as TensorFlow reads its settings once

    times: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            times.append(time.monotonic())
            self.model.stop_training = times[-1] - times[0] > what["seconds"]

    learner.fit(
        case.episodes(),
        steps_per_epoch=window,
        epochs=100_000,
        callbacks=[Clock()],
        shuffle=False,
        verbose=0,
    )
    return {"tasks_per_second": (len(times) - 1) * window * case.tasks / (times[-1] - times[0])}


def peer(what: dict[str, Any]) -> dict[str, Any]:
    """The same of a peer, and the loss of its first step."""
    import numpy as np

    data = np.load(what["file"])
    weights = [data[f"weight{i}"] for i in range(sum(n.startswith("weight") for n in data))]
    batches = [[data[f"{name}{i}"] for name in NAMES] for i in range(NUM_BATCHES)]
    make, prepare = _peer(what["who"])
    contender = make(what["case"], weights, what["folder"])
    tensors = [contender.tensors(batch) for batch in batches]
    loss = contender.step(tensors[0])
    prepare()
    contender = make(what["case"], weights, what["folder"])
    contender.step(tensors[0])
    contender.step(tensors[0])
    steps, started = 0, time.monotonic()
    while steps < 3 or time.monotonic() - started < what["seconds"]:
        contender.step(tensors[steps % NUM_BATCHES])
        steps += 1
    rate = steps * len(batches[0][0]) / (time.monotonic() - started)
    return {"loss": loss, "tasks_per_second": rate}


def _peer(who: str) -> Any:
    """A peer's class, and what is to be done before it is timed."""
    if who == "jax":
        from jax_peer import Jax

        return Jax, lambda: None
    import torch_peers

    return torch_peers.PEERS[who], torch_peers.use_own_padding


def memory(what: dict[str, Any]) -> dict[str, Any]:
    """The most memory of a process that trains MAML on the tasks of A or B.

    Also how much of it is above what the process had before its first step: `training_megabytes`.
    """
    import cases

    case = cases.CASES["B" if "inner_steps" in what else "A"]
    options = {k: what[k] for k in ("inner_steps", "recompute", "transductive") if k in what}
    if "inner_steps" in what:
        case = replace(case, options={**case.options, **options}, tasks=4)
    cases.CASES["this"] = replace(case, tasks=what.get("tasks", case.tasks))
    learner, case, _ = _learner("this")
    before = _most_megabytes()
    learner.fit(case.episodes(), steps_per_epoch=4, epochs=2, shuffle=False, verbose=0)
    most = _most_megabytes()
    return {"megabytes": most, "training_megabytes": most - before}


def _most_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


MEASUREMENTS = {each.__name__: each for each in (save, ours, peer, memory)}

if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    print(json.dumps(MEASUREMENTS[request["measure"]](request)))
