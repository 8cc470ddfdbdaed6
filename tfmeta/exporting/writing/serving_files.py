"""What lies beside a model for the server: batching, model and monitoring configuration."""

from pathlib import Path

from tfmeta.exporting.contract import CLIENT

# Many small requests as one: task (or example) after task in dimension 0. A request may be larger
# than what is run at once; it is then split.
_BATCHING = """\
max_batch_size { value: 1024 }
enable_large_batch_splitting { value: true }
max_execution_batch_size { value: 32 }
batch_timeout_micros { value: 1000 }
num_batch_threads { value: 2 }
max_enqueued_batches { value: 64 }
"""

_MODELS = """\
# tensorflow_model_server --model_config_file=models.config
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    # The newest version alone; a new one takes over without a gap. To keep an older one beside it:
    #   model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
    model_version_policy {{ latest {{ num_versions: 1 }} }}
    # Names that clients ask for in place of numbers, of versions that are loaded already:
    #   version_labels {{ key: "stable" value: 1 }}
    #   version_labels {{ key: "canary" value: 2 }}
  }}
}}
"""

_MONITORING = """\
# tensorflow_model_server --monitoring_config_file=monitoring.config
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""


def _quoted(name):
    """A name between the quotes of protobuf's text format: whatever may end them as a number."""
    content = name.encode("utf-8", "surrogateescape")
    plain = set(range(0x20, 0x7F)) - set(b"\"\\'")
    return "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in content)


def write(folder: Path, name: str) -> None:
    """Writes them, and the client example, into a version's folder.

    Args:
        folder: of the version.
        name: the model's.
    """
    (folder / "batching_params.pbtxt").write_text(_BATCHING)
    (folder / "models.config").write_text(_MODELS.format(name=_quoted(name)))
    (folder / "monitoring.config").write_text(_MONITORING)
    client = Path(__file__).parents[1] / CLIENT
    (folder / CLIENT).write_text(client.read_text())
