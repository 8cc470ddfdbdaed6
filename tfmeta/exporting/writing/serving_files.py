"""Files beside a model for the server: the configuration of batches, models and monitoring."""

from pathlib import Path

from tfmeta.exporting.contract import CLIENT

# Many small requests become one: their tasks (or examples) follow each other in dimension 0. A
# request that is larger than what runs at once is split.
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
    # Only the newest version is served; a new one takes over without a gap. To keep an older one:
    #   model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
    model_version_policy {{ latest {{ num_versions: 1 }} }}
    # Names that clients may ask for in place of numbers, for versions that are loaded already:
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


def _quoted(name: str) -> str:
    """A name for between quotes in protobuf's text format: special bytes as octal numbers."""
    content = name.encode("utf-8", "surrogateescape")
    plain = set(range(0x20, 0x7F)) - set(b"\"\\'")
    return "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in content)


def write(folder: Path, name: str) -> None:
    """Writes the server's configuration and the example of a client.

    Args:
        folder: the version's folder.
        name: the model's name.
    """
    (folder / "batching_params.pbtxt").write_text(_BATCHING)
    (folder / "models.config").write_text(_MODELS.format(name=_quoted(name)))
    (folder / "monitoring.config").write_text(_MONITORING)
    client = Path(__file__).parents[1] / CLIENT
    (folder / CLIENT).write_text(client.read_text())
