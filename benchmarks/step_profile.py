"""Where the time of a training step goes: each operation's share, by TensorFlow's profiler.

    python benchmarks/step_profile.py [--cases A B C D] [--steps 20] [--output FILE]

The cases are those of `bench.py`, transductive as its peers are. A step's time is counted once, in
the innermost operation: what a loop or a function call contains is not the loop's. Shares are of
the time that all threads spent in operations; the time of a step is that of the clock, and longer
than without the profiler. What XLA compiled is no operation: case C shows its data alone.
"""

import argparse
import collections
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import WITH_PEERS
from cases import CASES

SHOWN = 0.02  # the least share of an operation that is shown
Event = tuple[int, int, str]  # beginning, end, operation


def profile(name: str, steps: int) -> dict[str, Any]:
    """Shares of the operations, and seconds per step, of one case in this process."""
    from bench_rows import _learner

    learner, case, window = _learner(name, transductive=True)
    import keras  # after the runtime is set up, as TensorFlow reads its settings once
    import tensorflow as tf

    steps = window if learner.is_vectorised else steps  # of one epoch
    seconds: list[float] = []

    class Profile(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:  # the first one compiles
                tf.profiler.experimental.start(folder)
            seconds.append(time.monotonic())

    with tempfile.TemporaryDirectory() as folder:
        learner.fit(
            case.episodes(),
            steps_per_epoch=steps,
            epochs=2,
            callbacks=[Profile()],
            shuffle=False,
            verbose=0,
        )
        elapsed = time.monotonic() - seconds[-1]
        tf.profiler.experimental.stop()
        times = _own_times(next(Path(folder).rglob("*.xplane.pb")))
    total = sum(times.values())
    shares = {key: value / total for key, value in times.most_common() if value / total >= SHOWN}
    return {
        "about": case.about,
        "steps": steps,
        "seconds_per_step": elapsed / steps,
        "busy_threads": total * 1e-12 / elapsed,
        "shares": shares,
        "other": 1 - sum(shares.values()),
    }


def print_profile(name: str, steps: int) -> None:
    """`profile` as a line of JSON."""
    print(json.dumps(profile(name, steps)))


def _own_times(path: Path) -> collections.Counter[str]:
    """Picoseconds in each type of operation, without those in operations that it contains."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space, times = xplane_pb2.XSpace(), collections.Counter[str]()
    space.ParseFromString(path.read_bytes())
    for plane in space.planes:
        if not plane.name.startswith("/host:CPU"):
            continue
        for line in plane.lines:
            names = (plane.event_metadata[event.metadata_id].name for event in line.events)
            events = [
                (event.offset_ps, event.offset_ps + event.duration_ps, kind)
                for event, name in zip(line.events, names, strict=True)
                if (kind := _operation(name))
            ]
            times.update(_of_line(sorted(events, key=lambda each: (each[0], -each[1]))))
    return times


def _operation(name: str) -> str:
    """The type of an event "NODE:TYPE"; "" for what is no operation."""
    node, _, kind = name.rpartition(":")
    is_function_of_tensorflow = "::" in name
    return kind if node and kind.isidentifier() and not is_function_of_tensorflow else ""


def _of_line(events: list[Event]) -> collections.Counter[str]:
    """The same of one thread, whose events are nested, in the order of their beginnings."""
    times, open_events = collections.Counter[str](), list[Event]()
    for begin, end, kind in events:
        while open_events and open_events[-1][1] <= begin:
            open_events.pop()
        if open_events:
            times[open_events[-1][2]] -= end - begin
        times[kind] += end - begin
        open_events.append((begin, end, kind))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="*", default=list(WITH_PEERS), choices=list(CASES))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    report = {}
    for name in options.cases:
        # A process each: a case's threads are chosen as TensorFlow starts.
        code = f"import step_profile as s; s.print_profile({name!r}, {options.steps})"
        ended = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found = report[name] = json.loads(ended.stdout.splitlines()[-1])
        print(
            f"{name}: {found['about']}: {1000 * found['seconds_per_step']:.2f} ms per step, "
            f"{found['busy_threads']:.2f} threads in operations"
        )
        for kind, share in [*found["shares"].items(), ("other", found["other"])]:
            print(f"  {share:6.1%}  {kind}", flush=True)
    if options.output:
        options.output.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
