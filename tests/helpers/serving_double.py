"""A protocol double of TensorFlow Serving, for tests. It is not a server to use.

    python tests/helpers/serving_double.py MODEL_FOLDER [--name NAME] [--version 2]...
        [--label stable=2]... [--enable-batching [--pad] --batch-size 4 --timeout-ms 500]

It speaks PredictionService.Predict and GetModelMetadata, ModelService.GetModelStatus and their REST
forms, through the genuine protos and TensorFlow's C++ loader, and refuses what TensorFlow Serving
refuses. It prints `{"grpc": PORT, "rest": PORT}` once it serves, and ends when its standard input
does. A model that can't be loaded or warmed up ends it with status 1. A process of its own, since
the loader switches XLA off for all of it.
"""

import argparse
import hashlib  # noqa: F401  see below
import json
import ssl  # noqa: F401  see below
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

# `hashlib` and `ssl` come before TensorFlow's C++, which brings a BoringSSL of its own: OpenSSL's
# modules, loaded after it, would be bound to that and crash.
import grpc
import serving_rest
from serving_batching import Batcher
from serving_core import ServedModel

from tfmeta.exporting.loading.c_loader import LoaderError, genuine_protos


def serve_grpc(model: ServedModel) -> tuple[grpc.Server, int]:
    """A started server on a free port of this machine, and the port."""
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    def answering(method):
        def answer(_self, request, context):
            try:
                return method(request)
            except LoaderError as error:
                message = str(error).removeprefix(f"{error.code}: ")
                context.abort(getattr(grpc.StatusCode, error.code), message)

        return answer

    class Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
        Predict = answering(model.predict)
        GetModelMetadata = answering(model.metadata)

    class Model(model_service_pb2_grpc.ModelServiceServicer):
        GetModelStatus = answering(model.status)

    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(16), options=unlimited)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Prediction(), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Model(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def arguments():
    parser = argparse.ArgumentParser(description="A protocol double of TensorFlow Serving.")
    parser.add_argument("folder", help="the model's, which holds its versions' folders")
    parser.add_argument("--name", default="model")
    parser.add_argument("--version", type=int, action="append", help="served; without, the highest")
    parser.add_argument("--label", action="append", default=[], metavar="LABEL=VERSION")
    parser.add_argument("--enable-batching", action="store_true")
    parser.add_argument("--pad", action="store_true", help="pad_variable_length_inputs")
    parser.add_argument("--batch-size", type=int, default=32, help="max_batch_size")
    parser.add_argument("--timeout-ms", type=float, default=1, help="batch_timeout_micros / 1000")
    return parser.parse_args()


def main():
    options = arguments()
    genuine_protos()

    def batched(run):
        return Batcher(
            run,
            max_batch_size=options.batch_size,
            timeout=options.timeout_ms / 1000,
            pad=options.pad,
        )

    labels = {label: int(number) for label, number in (each.split("=") for each in options.label)}
    try:
        model = ServedModel(
            options.name,
            options.folder,
            versions=options.version,
            labels=labels,
            batched=batched if options.enable_batching else None,
        )
    except LoaderError as error:
        sys.exit(f"serving_double.py: {error}")
    grpc_server, grpc_port = serve_grpc(model)
    rest_server = serving_rest.serve(model)
    threading.Thread(target=rest_server.serve_forever, daemon=True).start()
    print(json.dumps({"grpc": grpc_port, "rest": rest_server.server_port}), flush=True)
    sys.stdin.read()  # to its end, which comes with the end of whoever started this
    rest_server.shutdown()
    rest_server.server_close()
    grpc_server.stop(grace=None).wait()


if __name__ == "__main__":
    main()
