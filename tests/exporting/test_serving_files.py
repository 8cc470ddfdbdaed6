"""The server's configuration beside an export, read as the server's own messages."""

import re

import pytest
import trained
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

# The fields of TensorFlow Serving's session_bundle_config.proto and monitoring_config.proto, which
# tensorflow-serving-api does not carry. Their numbers do not matter to the text format.
FIELDS = {
    "BatchingParameters": {
        "max_batch_size": "Int64Value",
        "batch_timeout_micros": "Int64Value",
        "max_enqueued_batches": "Int64Value",
        "num_batch_threads": "Int64Value",
        "enable_large_batch_splitting": "BoolValue",
        "max_execution_batch_size": "Int64Value",
        "pad_variable_length_inputs": "bool",
    },
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": "PrometheusConfig"},
}


@pytest.fixture(scope="module")
def messages():
    file = descriptor_pb2.FileDescriptorProto(name="serving.proto", package="t", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            added = message.field.add(name=field, number=number, label=kinds.LABEL_OPTIONAL)
            if kind in ("bool", "string"):
                added.type = kinds.TYPE_BOOL if kind == "bool" else kinds.TYPE_STRING
            else:
                added.type = kinds.TYPE_MESSAGE
                added.type_name = f".t.{kind}" if kind in FIELDS else f".google.protobuf.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"t.{name}") for name in FIELDS}
    return {name: message_factory.GetMessageClass(each) for name, each in found.items()}


def content(name):
    return (trained.learner_export() / "1" / name).read_text()


def test_batching_takes_requests_that_are_larger_than_a_batch(messages):
    batching = text_format.Parse(content("batching_params.pbtxt"), messages["BatchingParameters"]())
    assert batching.enable_large_batch_splitting.value
    assert batching.max_execution_batch_size.value < batching.max_batch_size.value
    assert not batching.pad_variable_length_inputs


def test_prometheus_is_at_the_path_that_the_readme_names(messages):
    monitoring = text_format.Parse(content("monitoring.config"), messages["MonitoringConfig"]())
    assert monitoring.prometheus_config.enable
    assert f":8501{monitoring.prometheus_config.path}`" in content("README.md")


def test_the_model_is_where_the_docker_command_puts_it():
    config = model_server_config_pb2.ModelServerConfig()
    (model,) = text_format.Parse(content("models.config"), config).model_config_list.config
    assert (model.name, model.base_path) == ("learner", "/models/learner")
    assert f':{model.base_path}"' in content("README.md")
    assert model.model_version_policy.latest.num_versions == 1


def test_the_versions_and_labels_in_its_comments_can_be_used():
    text = content("models.config")
    text = re.sub(r"#   (model_version_policy|version_labels)", r"\1", text)
    text = text.replace("model_version_policy { latest { num_versions: 1 } }", "")
    config = model_server_config_pb2.ModelServerConfig()
    (model,) = text_format.Parse(text, config).model_config_list.config
    assert list(model.model_version_policy.specific.versions) == [1, 2]
    assert dict(model.version_labels) == {"stable": 1, "canary": 2}
