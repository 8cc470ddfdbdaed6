"""`.keras` files that a stranger made: what they name or hold is not run."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

import tfmeta
from tfmeta import UserError
from tfmeta.network_size import count_weights

_ASKS = "asks for .*; it is not tfmeta's, and nothing of it was run"
_ELSE = "expected what learner.save|cannot be loaded"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("keras") / "learner.keras"
    network = tfmeta.networks.mlp(input_shape=(4,), num_outputs=None, units=(3,))
    learner = tfmeta.Prototypical(network)
    learner.compile()
    learner.save(path)
    return path


def rewritten(source, target, change_config=None, change_files=None):
    """A copy of a `.keras` file, changed by functions of its config, and of `{member: bytes}`."""
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    if change_config:
        config = json.loads(files["config.json"])
        change_config(config)
        files["config.json"] = json.dumps(config).encode()
    if change_files:
        change_files(files)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def layer(class_name, module="keras.layers", registered_name=None, **config):
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered_name,
    }


def function(name, module="builtins"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def sequential(*layers):
    first = layer("InputLayer", batch_shape=[None, 4], name="input")
    return layer("Sequential", "keras", name="sequential", layers=[first, *layers])


LAMBDA = {"class_name": "__lambda__", "config": {"value": "4wEAAAAA"}}
DENSE = {"units": 3, "name": "dense"}
NETWORKS = {
    "a Lambda": sequential(layer("Lambda", function=LAMBDA)),
    "a Lambda of a function": sequential(layer("Lambda", function=function("abs"))),
    "a Lambda by Keras's own path": sequential(
        layer("Lambda", "keras.src.layers.core.lambda_layer", function=LAMBDA)
    ),
    "a lambda as an activation": sequential(layer("Dense", **DENSE, activation=LAMBDA)),
    "a Lambda inside a wrapper": sequential(
        layer("TimeDistributed", layer=layer("Lambda", function=LAMBDA))
    ),
    "a Lambda inside a Pipeline": sequential(
        layer("Pipeline", layers=[layer("Lambda", function=LAMBDA)])
    ),
    "a SavedModel": sequential(layer("TFSMLayer", filepath="model")),
    "a SavedModel by Keras's own path": sequential(
        layer("TFSMLayer", "keras.src.export.tfsm_layer", filepath="model")
    ),
    "a pickle of torch": sequential(layer("TorchModuleWrapper", module={"class_name": "x"})),
    "a function of jax": sequential(layer("JaxLayer", call_fn=function("abs"))),
    "a class of the system's": layer("system", "os", command="id"),
    "a class of another module": sequential(layer("setup", "setuptools")),
    "a class of a library of Keras's": sequential(layer("Backbone", "keras_hub.src.models")),
    "an unknown registered class": sequential(layer("Mine", None, "others>Mine")),
    "a registered name that hides another class": sequential(
        layer("Dense", registered_name="others>Dense", **DENSE)
    ),
    "a function that fetches files": sequential(
        layer("Dense", **DENSE, activation=function("get_file", "keras.utils"))
    ),
    "a function that switches safe mode off": sequential(
        layer(
            "Dense", **DENSE, activation=function("enable_unsafe_deserialization", "keras.config")
        )
    ),
    "a function that loads a model": layer("load_model", "keras.models", filepath="x.keras"),
    "a function of a module of Keras's": sequential(
        layer("get_file", "keras.src.utils.file_utils", origin="file:///etc/passwd")
    ),
    "a callback": sequential(layer("ModelCheckpoint", "keras.callbacks", filepath="x.keras")),
    "words from a file": sequential(layer("StringLookup", vocabulary="/etc/passwd")),
    "words of texts from a file": sequential(layer("TextVectorization", vocabulary="/etc/passwd")),
    "a type of TensorFlow's": {
        "class_name": "__typespec__",
        "spec_name": "TensorSpec",
        "module": "tensorflow.python.framework.tensor",
        "registered_name": "TensorSpec",
        "config": [[1], "float32"],
    },
    "a class without a module": {"class_name": "Dense", "config": DENSE},
    "a name that is a list": layer(["Dense"], **DENSE),
}


@pytest.mark.attack(
    "a `.keras` file with Lambda, TFSMLayer, a class of another module, words from a file ...",
    "refused by the name of what would run; Keras never sees it",
)
@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_that_would_run_code(kind, saved, tmp_path):
    def change(config):
        config["config"]["network"] = NETWORKS[kind]

    with pytest.raises(UserError, match=_ASKS):
        tfmeta.load(rewritten(saved, tmp_path / "bad.keras", change))


@pytest.mark.attack(
    "the same in the optimizer, the loss or a metric of a `.keras` file", "refused likewise"
)
@pytest.mark.parametrize("part", ["optimizer", "loss", "metrics"])
def test_what_is_compiled_may_not_run_code(part, saved, tmp_path):
    def change(config):
        config["compile_config"] = {"optimizer": "adam", part: [function("system", "os")]}

    with pytest.raises(UserError, match="asks for the function 'system' of os; it is not"):
        tfmeta.load(rewritten(saved, tmp_path / "bad.keras", change))


@pytest.mark.attack("a Lambda in a `.keras` file that the user trusts", "it runs, by `trust=True`")
def test_what_is_trusted_runs(saved, tmp_path):
    network = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: 2 * x)])
    network.add(keras.layers.Dense(3))
    learner = tfmeta.Prototypical(network)
    learner.save(tmp_path / "mine.keras")
    with pytest.raises(UserError, match=r"the class 'Lambda' of keras\.layers; it is not"):
        tfmeta.load(tmp_path / "mine.keras")
    loaded = tfmeta.load(tmp_path / "mine.keras", trust=True)
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(loaded.network(x), learner.network(x))


def with_weights(change):
    """Changes the HDF5 file among the members."""

    def change_files(files):
        file = io.BytesIO(files["model.weights.h5"])
        with h5py.File(file, "a") as weights:
            change(weights)
        files["model.weights.h5"] = file.getvalue()

    return change_files


def bomb(weights):
    shape = (2**28,)
    weights.create_dataset("layers/bomb", shape, "f4", chunks=(2**20,), compression="gzip")


def virtual(weights):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    weights.create_virtual_dataset("layers/x", layout)


def external(weights):
    weights.create_dataset("layers/x", (4,), "u1", external=[("/etc/passwd", 0, 4)])


FILES = {
    "weights that are a link to another file": (
        with_weights(lambda w: w.__setitem__("layers/x", h5py.ExternalLink("/etc/passwd", "/"))),
        _ASKS,
    ),
    "weights in another file": (with_weights(external), _ASKS),
    "weights put together from other files": (with_weights(virtual), _ASKS),
    "1 GiB of weights that are not there": (with_weights(bomb), "would be 1,024 MiB in memory"),
    "a group that holds itself": (
        with_weights(lambda w: w.__setitem__("layers/again", w["/"])),
        _ELSE,
    ),
    "a file outside its folder": (lambda f: f.update({"../outside": b"x"}), _ELSE),
    "a file outside among the assets": (lambda f: f.update({"assets/../../x": b"x"}), _ELSE),
    "a config that unpacks to 128 MiB": (
        lambda f: f.update({"config.json": b" " * 2**27 + b"{}"}),
        "has .* bytes",
    ),
    "a config nested 100,000 deep": (
        lambda f: f.update({"config.json": b"[" * 100_000}),
        "nested too deeply",
    ),
    "a config that is a list": (lambda f: f.update({"config.json": b"[1]"}), _ELSE),
    "no weights": (lambda f: f.pop("model.weights.h5"), _ELSE),
}


@pytest.mark.attack(
    "links, other files, bombs and paths out of the folder in a `.keras` file", "refused in a line"
)
@pytest.mark.parametrize("kind", FILES)
def test_files_in_the_archive(kind, saved, tmp_path):
    change, message = FILES[kind]
    path = rewritten(saved, tmp_path / "bad.keras", change_files=change)
    with pytest.raises(UserError, match=message):
        tfmeta.load(path)
    assert sorted(p.name for p in tmp_path.parent.iterdir() if p.name in ("outside", "x")) == []


@pytest.mark.attack("an option of the network that is a Lambda", "refused before it is built")
def test_options_of_a_network_may_not_run_code(tmp_path):
    from tfmeta.training.plan import Plan
    from tfmeta.training.settings import Settings

    settings = Settings(pipeline="sinusoid", network_options={"activation": LAMBDA})
    with pytest.raises(UserError, match="asks for the class '__lambda__'"):
        Plan.make(settings).build_learner()


@pytest.mark.attack(
    "a network of five billion weights in a `.keras` file of 20 KB, or in a run's settings",
    "refused before room is made for them",
)
def test_networks_of_many_weights(saved, tmp_path):
    def change(config):
        config["config"]["network"] = sequential(layer("Dense", units=2**30, name="dense"))

    with pytest.raises(UserError, match="its network has 5368709120 weights, and it holds"):
        tfmeta.load(rewritten(saved, tmp_path / "bad.keras", change))


@pytest.mark.parametrize("units", [[2**31], [2**40], [2**15, 2**15]])
def test_settings_of_many_weights(units):
    from tfmeta.training.plan import Plan
    from tfmeta.training.settings import Settings

    settings = Settings(pipeline="sinusoid", network_options={"units": units})
    with pytest.raises(UserError, match=r"the network would have \d+ weights; expected 268435456"):
        Plan.make(settings).build_learner()


def test_a_network_that_is_counted_leaves_no_trace():
    def made():
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])

    keras.utils.set_random_seed(5)
    expected, name = made().get_weights()[0], made().layers[0].name
    keras.utils.set_random_seed(5)
    assert count_weights(lambda: keras.Sequential([keras.Input((1,)), keras.layers.Dense(2**40)]))
    with keras.StatelessScope():
        pass  # at its end Keras gives every variable that waits for one its value
    network = made()
    np.testing.assert_array_equal(network.get_weights()[0], expected)
    assert int(network.layers[0].name.split("_")[-1]) == int(name.split("_")[-1]) + 1
