"""Mutates an export many times, and has each verified and loaded as `predict` loads it.

    python tests/attacks/mutated_exports.py exported/NAME/VERSION NUMBER CANARY

prints one JSON object a mutation: what was done, how the process ended, its seconds of processor
time and its largest memory in MiB. Each is tried in a fork of this process, which has TensorFlow's
C++ in memory already, but has run nothing of it. Harmful operations would write the file CANARY.
"""

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tfmeta.exporting.contract import MANIFEST
from tfmeta.exporting.loading import c_loader
from tfmeta.exporting.manifest import digest_of

SECONDS = 120  # of a busy machine; the processor time is what is judged
OPERATIONS = ("WriteFile", "ReadFile", "Abort", "PyFunc", "Fill", "Placeholder", "Const", "While",
              "RestoreV2", "SaveV2", "MatMul", "NoOp", "StatefulPartitionedCall")  # fmt: skip
SIZES = (0, -1, -(2**40), 1, 2**31, 2**40, 2**62)


def flip(rng, version, canary):
    path = a_file(rng, version)
    content = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 8) if content else 0):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(bytes(content))
    return f"flip {path.name}"


def cut(rng, version, canary):
    path = a_file(rng, version)
    content = path.read_bytes()
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    path.write_bytes(rng.choice([content[:start], content[:start] + content[end:], content * 2]))
    return f"cut {path.name}"


def replace(rng, version, canary):
    path = a_file(rng, version)
    path.unlink()
    kind = rng.choice(["nothing", "folder", "pipe", "link", "zeros", "hole"])
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(rng.choice(["/dev/zero", "/etc/passwd", "../..", "nowhere"]))
    elif kind in ("zeros", "hole"):
        path.touch()
        os.truncate(path, 1000 if kind == "zeros" else 2**33)
    return f"{kind} for {path.name}"


def manifest(rng, version, canary):
    facts = json.loads((version / MANIFEST).read_text())
    key = rng.choice(sorted(facts))
    value = rng.choice([None, 1, -1, "x", [], {}, ["x"] * 5, [2**70], True])
    if rng.random() < 0.2:
        del facts[key]
    else:
        facts[key] = value
    facts.pop("sha256", None)
    (version / MANIFEST).write_text(json.dumps(facts))
    return f"manifest {key}={value}"


def graph(rng, version, canary):
    from tensorflow.core.protobuf import saved_model_pb2

    path = version / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    done = [change(rng, model.meta_graphs[0], canary) for _ in range(rng.randint(1, 3))]
    path.write_bytes(model.SerializeToString())
    return f"graph: {', '.join(done)}"


def change(rng, meta, canary):
    groups = [meta.graph_def.node, *(each.node_def for each in meta.graph_def.library.function)]
    nodes = rng.choice([group for group in groups if group])
    node = rng.choice(nodes)
    kind = rng.choice(["op", "input", "size", "text", "copy", "call", "signature", "saver"])
    if kind == "op":
        node.op = rng.choice(OPERATIONS)
    elif kind == "input":
        other = rng.choice(nodes)
        node.input.append(rng.choice(["", "^", "nowhere:0"]) or other.name)
    elif kind == "size":
        for attribute in node.attr.values():
            for dim in (*attribute.shape.dim, *attribute.tensor.tensor_shape.dim):
                dim.size = rng.choice(SIZES)
            if attribute.tensor.int_val:
                attribute.tensor.int_val[0] = rng.choice((0, -1, 1, 2**31 - 1))
    elif kind == "text":
        for attribute in node.attr.values():
            if attribute.tensor.string_val:
                attribute.tensor.string_val[0] = canary.encode()
    elif kind == "copy":
        nodes.add().CopyFrom(node)
    elif kind == "call":
        function = rng.choice(meta.graph_def.library.function)
        node.attr["f"].func.name = function.signature.name
    elif kind == "signature":
        signature = meta.signature_def[rng.choice(sorted(meta.signature_def))]
        for side in (signature.inputs, signature.outputs):
            for info in side.values():
                info.name = f"{rng.choice(meta.graph_def.node).name}:{rng.choice([0, 7])}"
    else:
        meta.saver_def.restore_op_name = rng.choice(meta.graph_def.node).name
    return f"{kind} of {node.name}"


MUTATIONS = (flip, cut, replace, manifest, graph, graph, graph)


def a_file(rng, version):
    files = (path for path in version.rglob("*") if path.is_file())
    return rng.choice(sorted(p for p in files if p.stat().st_size < 2**25))  # none of holes


def sign(version):
    """Makes the digests right, so that more than they are tried."""
    try:
        facts = json.loads((version / MANIFEST).read_text())
        for name in facts["files"]:
            path = version / name
            if path.is_file() and path.stat().st_size < 2**25:
                facts["files"][name] = digest_of(path)
        (version / MANIFEST).write_text(json.dumps(facts))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # that manifest is tried as it is


def tried(version) -> dict:
    """How a fork ends that verifies the export, and loads it as `predict` does."""
    started, process = time.monotonic(), os.fork()
    if not process:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (1, 2):
            os.dup2(nowhere, number)
        os._exit(judged(version))
    usage = ended = None
    while ended is None:
        done, status, usage = os.wait4(process, os.WNOHANG)
        if done:
            ended = status
        elif time.monotonic() - started > SECONDS:
            os.kill(process, signal.SIGKILL)
        else:
            time.sleep(0.005)
    status = os.waitstatus_to_exitcode(ended)
    return {
        "status": status,
        "seconds": usage.ru_utime + usage.ru_stime,
        "mebibytes": usage.ru_maxrss / 1024,
    }


def judged(version) -> int:
    """0 if it was taken, 1 if it was refused; 3 for an error that nobody foresaw."""
    from tfmeta.errors import UserError
    from tfmeta.exporting.loading.answering import loaded
    from tfmeta.exporting.verifying.verifier import Verifier

    try:
        is_sound = Verifier(version).run()["ok"]
        loaded(version)
        return 0 if is_sound else 1
    except UserError:
        return 1
    except BaseException:
        return 3


def main(export, number, canary):
    c_loader._library()
    rng = random.Random(0)
    for _ in range(int(number)):
        with tempfile.TemporaryDirectory() as folder:
            version = Path(folder) / "1"
            shutil.copytree(export, version)
            what = rng.choice(MUTATIONS)(rng, version, canary)
            sign(version)
            print(json.dumps({"what": what, **tried(version)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
