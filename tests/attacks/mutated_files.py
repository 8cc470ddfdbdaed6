"""Reads many mutated files of every kind, and says what came of it as one JSON object.

    python mutated_files.py NUMBER FOLDER [KIND...]

In a process of its own, so that a crash, a hang or much memory is seen by who started it.
"""

import io
import json
import pickle
import random
import sys
import time
import traceback
import zipfile
from pathlib import Path

import numpy as np
import peak_memory
from PIL import Image

from tfmeta import UserError
from tfmeta.episodes.episode import Episode

# What Python tells of before it happens, and no reader of data does.
_CODE = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "socket.connect")
_NASTY = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, 1e308, float("nan"), "", "x", "\x1b[31m", "a:b"),
    *("os:system", [], {}, [[]], [None], {"a": {}}, {"class_name": "Lambda", "config": {}}),
)


def mutated_bytes(content: bytes, draw) -> bytes:
    """Some bytes flipped, cut off, repeated, or replaced by numbers that programs count with."""
    content = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 8))):
        at = draw.randrange(max(1, len(content)))
        kind = draw.randrange(5)
        if kind == 0:
            content[at : at + 1] = bytes([draw.randrange(256)])
        elif kind == 1:
            del content[at:]
        elif kind == 2:
            content[at:at] = content[at : at + draw.randrange(64)]
        elif kind == 3:
            number = draw.choice((0, 1, 2**7, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**62))
            size = draw.choice((4, 8))
            content[at : at + size] = (number % 2 ** (8 * size)).to_bytes(size, "little")
        else:
            del content[at : at + draw.randrange(16)]
    return bytes(content)


def mutated_json(value, draw):
    """JSON with something else in one place, or without it."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(sorted(value))
        if draw.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutated_json(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [*value[:at], mutated_json(value[at], draw), *value[at + 1 :]]
    return draw.choice(_NASTY)


# Each kind: the name of its file, whole contents, and how such a file is read.


def pickles():
    from tfmeta.reading.pickled_arrays import read_pickled_images

    keys = ("image_data", "class_dict")
    images = np.arange(2 * 4 * 4 * 3).astype(np.uint8).reshape(2, 4, 4, 3)
    content = {keys[0]: images, keys[1]: {"a": [0], "b": np.array([1])}, "n": np.float64(2)}
    whole = [pickle.dumps(content, protocol) for protocol in range(6)]

    def read(path):
        found, members = read_pickled_images(path, keys)
        for numbers in members.values():
            found[numbers].tobytes()

    return "x.pkl", whole, mutated_bytes, read


def npz():
    from tfmeta.pipelines.arrays import build

    labels, whole = np.repeat(np.array(["a", "b", "c", "d", "e", "f"]), 4), []
    for write in (np.savez, np.savez_compressed):
        write(file := io.BytesIO(), x=np.arange(72.0).reshape(24, 3), y=labels)
        whole.append(file.getvalue())
    return "x.npz", whole, mutated_bytes, lambda path: build(data_dir=path)


def csv():
    from tfmeta.pipelines.arrays import build

    rows = "\n".join(f'c{n // 4},{n},"{n}.5"' for n in range(24))
    whole = [f"label,x,y\n{rows}\n".encode()]
    return "x.csv", whole, mutated_bytes, lambda path: build(data_dir=path)


def episodes():
    from tfmeta.episodes.episode_file import EpisodeFile, write_episodes
    from tfmeta.episodes.episode_shape import EpisodeShape
    from tfmeta.episodes.fixed_episodes import FixedEpisodes
    from tfmeta.pipelines import sinusoid

    path = Path(sys.argv[2]) / "whole.episodes"
    fixed = FixedEpisodes(sinusoid.build(), EpisodeShape(1, 2, 2), num_tasks=3)
    write_episodes(path, fixed)
    with np.load(path) as file:
        arrays = dict(file)

    def mutated(content, draw):
        if draw.random() < 0.4:
            return mutated_bytes(content, draw)
        protocol = json.loads(str(arrays["protocol"]))
        changed = {**arrays, "protocol": json.dumps(mutated_json(protocol, draw))}
        name = draw.choice(sorted(arrays))
        if draw.random() < 0.3:
            changed[name] = draw.choice((np.zeros(0), arrays[name][..., None], np.array("x")))
        np.savez_compressed(file := io.BytesIO(), **changed)
        return file.getvalue()

    return "x.episodes", [path.read_bytes()], mutated, EpisodeFile.read


def optima():
    from tfmeta.episodes import optima_file
    from tfmeta.pipelines import optima as pipeline

    tensors = Episode(*(np.zeros((3, 2, 1), np.float32) for _ in range(4)))
    facts = {"num_tasks": 3, "pipeline": "sinusoid", "pipeline_options": {}, "data_dir": None}
    facts["target_scale"] = {"target_centre": None, "target_spread": None}
    weights = {"head_bias": np.zeros((3, 1), np.float32)}
    path = Path(sys.argv[2]) / "whole.optima"
    optima_file.write(path, optima_file.Optima(facts, tensors, weights))
    provenance = optima_file.read_provenance(path)

    def mutated(content, draw):
        if draw.random() < 0.3:
            return mutated_bytes(content, draw)
        import tensorflow as tf

        changed = json.dumps(mutated_json(provenance, draw)).encode()
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        with tf.io.TFRecordWriter(str(path.with_name("changed"))) as writer:
            for record in (optima_file._record({"provenance": changed}), *records[1:]):
                writer.write(record)
        return path.with_name("changed").read_bytes()

    return "x.optima", [path.read_bytes()], mutated, lambda p: pipeline.build(file=str(p))


def images():
    from tfmeta.reading.image_files import FormatOptions, load_images

    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    whole = []
    for name in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"):
        Image.fromarray(pixels).save(file := io.BytesIO(), name)
        whole.append(file.getvalue())

    def read(path):
        load_images(path.parent, [path], FormatOptions(8, 3, invert=False))

    return "x.png", whole, mutated_bytes, read


def settings():
    from tfmeta.training.config_file import config_content, read_config
    from tfmeta.training.plan import Plan
    from tfmeta.training.settings import Settings

    flat = config_content(Plan.make(Settings(pipeline="sinusoid", shots=5)).settings)

    def mutated(content, draw):
        if draw.random() < 0.2:
            return mutated_bytes(content, draw)
        return json.dumps(mutated_json(flat, draw)).encode()

    def read(path):
        Plan.make(Settings().updated(read_config(path))).refusals()

    return "config.json", [json.dumps(flat).encode()], mutated, read


def learners():
    import tfmeta

    path = Path(sys.argv[2]) / "whole.keras"
    tfmeta.Prototypical(tfmeta.networks.mlp((4,), None, units=(3,))).save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])

    def mutated(content, draw):
        if draw.random() < 0.2:
            return mutated_bytes(content, draw)
        changed = dict(files)
        if draw.random() < 0.6:
            changed["config.json"] = json.dumps(mutated_json(config, draw)).encode()
        else:
            name = draw.choice(sorted(files))
            changed[name] = mutated_bytes(files[name], draw)
        with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
            for name, each in changed.items():
                archive.writestr(name, each)
        return file.getvalue()

    return "x.keras", [path.read_bytes()], mutated, tfmeta.load


_watchers = []  # of the reading that goes on
KINDS = (pickles, npz, csv, episodes, optima, images, settings, learners)


def tried(kind, number, folder) -> dict:
    """What came of `number` files of a kind."""
    name, whole, mutate, read = kind()
    path, said, ran = folder / name, [], []
    for content in whole:
        path.write_bytes(content)
        read(path)
    before, slowest, refused = peak_memory.start_again(), 0.0, 0
    for n in range(number):
        draw = random.Random(f"{kind.__name__} {n}")
        path.write_bytes(mutate(draw.choice(whole), draw))
        started = time.monotonic()
        _watchers.append(ran)
        try:
            read(path)
        except UserError as error:
            refused += 1
            if not str(error).strip():
                said.append(f"{n}: an empty line")
        except BaseException:
            said.append(f"{n}: {traceback.format_exc()}")
        _watchers.remove(ran)
        slowest = max(slowest, time.monotonic() - started)
    found = {"said": said, "ran": ran, "slowest": slowest, "refused": refused}
    return {**found, "mebibytes": peak_memory.mebibytes() - before}


def _watch(event, _):
    if _watchers and event in _CODE:
        _watchers[-1].append(event)


if __name__ == "__main__":
    sys.addaudithook(_watch)
    chosen = [kind for kind in KINDS if not sys.argv[3:] or kind.__name__ in sys.argv[3:]]
    found = {k.__name__: tried(k, int(sys.argv[1]), Path(sys.argv[2])) for k in chosen}
    print(json.dumps(found))
