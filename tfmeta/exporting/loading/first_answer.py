"""How a model is loaded that will give one answer, and should give it soon.

TensorFlow optimises a graph before its first answer, and each function that a call leads to once
more. That pays off in a server. For a single answer it takes half of the time.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tfmeta.exporting.contract import MODEL
from tfmeta.exporting.loading.graph_scan import all_nodes

_OF_CALLS = "config_proto"  # the attribute of a call: how its function is optimised


def session_config(threads: int, *, optimize: bool) -> Any:
    """A session's ConfigProto; 0 threads are TensorFlow's choice.

    `tensorflow.core` must be importable; see `c_loader.genuine_protos`.
    """
    from tensorflow.core.protobuf import config_pb2

    config = config_pb2.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
    )
    config.graph_options.rewrite_options.disable_meta_optimizer = not optimize
    return config


@contextmanager
def unoptimised(folder: str | os.PathLike[str], graph: Any) -> Iterator[str]:
    """A folder of the same model, whose calls say that nothing is optimised.

    The calls of a saved graph say it themselves, so the settings of a session are not enough. The
    folder has a changed copy of the graph, and links to all else.

    Args:
        folder: of the SavedModel.
        graph: its MetaGraphDef, as `graph_scan.served_graph` returns it; it is changed.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    config = session_config(0, optimize=False).SerializeToString()
    for node in all_nodes(graph):
        if _OF_CALLS in node.attr:
            node.attr[_OF_CALLS].s = config
    model = saved_model_pb2.SavedModel(saved_model_schema_version=1, meta_graphs=[graph])
    with tempfile.TemporaryDirectory(prefix="tfmeta-") as copy:
        for entry in Path(folder).resolve().iterdir():
            if entry.name == MODEL:
                Path(copy, MODEL).write_bytes(model.SerializeToString())
            else:
                Path(copy, entry.name).symlink_to(entry)
        yield copy
