"""Names that stand in a stranger's files: nothing is imported by them without the user's word."""

import json
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from made_once import folder
from trained import TINY, WITHOUT_XLA, call, inside

import tfmeta
from tfmeta import UserError
from tfmeta.named_code import (
    NameInFile,
    check_said,
    from_file,
    import_named,
    trust_option,
    trusting,
    why_not_imported,
)

MODULE = """
import pathlib
pathlib.Path({marker!r}).write_text("it ran")

def build(*, data_dir=None):
    from tfmeta.pipelines.sinusoid import build
    return build()

def network(input_shape, num_outputs):
    from tfmeta import networks
    return networks.mlp(input_shape, num_outputs)

def __getattr__(name):
    if name == "Learner":
        from tfmeta import MAML
        return MAML
    if name == "Layer":
        import keras
        return keras.layers.GaussianNoise
    raise AttributeError(name)
"""


@pytest.fixture(scope="module")
def whole_run():
    path = folder() / "runs" / "names"
    call("train", "sinusoid", *TINY, *WITHOUT_XLA, "--shots", 5, "--queries", 5, "--run-dir", path)
    return path


@pytest.fixture
def strangers(tmp_path, monkeypatch):
    """The name of a module that can be imported, and the file that appears if it is."""
    name, marker = f"strangers_{tmp_path.name}", tmp_path / "marker"
    (tmp_path / f"{name}.py").write_text(MODULE.format(marker=str(marker)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("tfmeta.named_code._said", set())
    yield name, marker
    sys.modules.pop(name, None)


def changed(run, target, **settings):
    """A copy of a run whose config.json says something else."""
    shutil.copytree(run, target)
    config = json.loads((target / "config.json").read_text())
    del config["sha256"]  # what has none is believed, as of an older version
    (target / "config.json").write_text(json.dumps({**config, **settings}))
    return target


FIELDS = {
    "algorithm": "{}:Learner",
    "pipeline": "{}:build",
    "network": "{}:network",
    "augment": [{"{}:Layer": {"stddev": 0.1}}],
}
EVALUATE = ["evaluate", "RUN", "--tasks", "2"]
REPLAY = ["replay", "RUN", "--step", "1"]
RESUME = ["train", "--resume", "--steps", "21", "--run-dir", "RUN"]
EXPORT = ["export", "RUN", "--calibration-tasks", "0"]
OPTIMA = ["optima", "RUN", "--tasks", "2", "--steps", "1", "--output", "OUTPUT"]
CASES = [
    ("algorithm", EVALUATE),
    ("algorithm", REPLAY),
    ("algorithm", RESUME),
    ("algorithm", EXPORT),
    ("algorithm", OPTIMA),
    ("pipeline", EVALUATE),
    ("pipeline", REPLAY),
    ("pipeline", RESUME),
    ("pipeline", OPTIMA),
    ("network", REPLAY),  # of which there is no checkpoint: it is built anew
    ("augment", REPLAY),
    ("augment", RESUME),
]


@pytest.mark.attack(
    "an algorithm, pipeline, network or layer of a module in a run's config.json",
    "not imported by evaluate, replay, train --resume, export or optima; it runs with --trust",
)
@pytest.mark.parametrize(
    ("field", "command"), CASES, ids=lambda v: v if isinstance(v, str) else v[0]
)
def test_a_run_names_code(field, command, whole_run, strangers, tmp_path, capfd):
    name, marker = strangers
    value = json.loads(json.dumps(FIELDS[field]).replace("{}:", f"{name}:"))
    run = changed(whole_run, tmp_path / "run", **{field: value})
    if field == "network":
        shutil.rmtree(run / "checkpoints")
    words = {"RUN": run, "OUTPUT": tmp_path / "optima"}
    command = [words.get(word, word) for word in command]
    status, _, err = inside(capfd, *command)
    assert status == 2, err
    assert f"config.json asks for the {'augment layer' if field == 'augment' else field}" in err
    assert f"'{name}:" in err
    assert "--trust" in err
    assert not marker.exists()
    if command is EVALUATE:  # the others take longer
        status, _, err = inside(capfd, *command, "--trust")
        assert status == 0, err
        assert marker.exists()


@pytest.mark.attack(
    "the same, and the user repeats the name on the command line", "it runs: the user said it"
)
def test_the_user_repeats_the_name(whole_run, strangers, tmp_path, capfd):
    name, marker = strangers
    code = {"pipeline": f"{name}:build", "algorithm": f"{name}:Learner"}
    run = changed(whole_run, tmp_path / "run", **code)
    resume = ["train", "--resume", "--run-dir", run]  # which has nothing left to do
    status, _, err = inside(capfd, *resume, code["pipeline"])
    assert (status, f"the algorithm '{name}:Learner'" in err) == (2, True), err
    status, _, err = inside(capfd, *resume, code["pipeline"], "--algorithm", code["algorithm"])
    assert status == 0, err
    assert marker.exists()
    evaluate = ["evaluate", run, "--tasks", "2", "--pipeline", code["pipeline"]]
    assert inside(capfd, *evaluate)[0] == 0  # it has said the algorithm in this process


@pytest.mark.attack(
    "a Lambda or a TFSMLayer as an augment layer in a run's config.json", "refused by its name"
)
@pytest.mark.parametrize("layer", [{"TFSMLayer": {"filepath": "model"}}, {"Lambda": {}}, "Lambda"])
def test_a_layer_that_runs_code(layer, whole_run, tmp_path, capfd):
    run = changed(whole_run, tmp_path / "run", augment=[layer])
    status, _, err = inside(capfd, "replay", run, "--step", 1)
    name = layer if isinstance(layer, str) else next(iter(layer))
    assert (status, f"asks for the class '{name}' of keras.layers" in err) == (2, True), err


@pytest.mark.attack("a run that is loaded in Python", "the same refusal, or trust=True")
def test_loading_in_python(whole_run, strangers, tmp_path):
    name, marker = strangers
    run = changed(whole_run, tmp_path / "run", algorithm=f"{name}:Learner")
    with pytest.raises(UserError, match=rf"the algorithm '{name}:Learner', .* trust=True"):
        tfmeta.load(run)
    assert not marker.exists()
    tfmeta.load(run, trust=True)
    assert marker.exists()


@pytest.mark.attack("names in a file of settings, train --config", "as in a run's config.json")
def test_a_file_of_settings_names_code(strangers, tmp_path, capfd):
    name, marker = strangers
    config = tmp_path / "settings.json"
    config.write_text(json.dumps({"pipeline": "sinusoid", "network": f"{name}:network"}))
    status, _, err = inside(capfd, "train", "--config", config, "--print-config")
    assert (status, f"settings.json asks for the network '{name}:network'" in err) == (2, True)
    assert not marker.exists()
    said = ["--set", f"network={name}:network"]
    assert inside(capfd, "train", "--config", config, "--print-config", *said)[0] == 0
    assert marker.exists()


@pytest.mark.attack("a pipeline of a module in a file of optima", "not imported")
def test_optima_name_code(strangers, tmp_path):
    from tfmeta.episodes import optima_file
    from tfmeta.episodes.episode import Episode
    from tfmeta.pipelines import optima

    name, marker = strangers
    episodes = Episode(*(np.zeros((2, 3, 1), np.float32) for _ in range(4)))
    provenance = {
        "num_tasks": 2,
        "pipeline": f"{name}:build",
        "pipeline_options": {},
        "data_dir": None,
    }
    weights = {"head_bias": np.zeros((2, 1), np.float32)}
    optima_file.write(tmp_path / "x", optima_file.Optima(provenance, episodes, weights))
    with pytest.raises(UserError, match=f"the pipeline '{name}:build', which would be imported"):
        optima.build(file=str(tmp_path / "x"))
    assert not marker.exists()
    with trusting(True):
        optima.build(file=str(tmp_path / "x"))
    assert marker.exists()


@pytest.fixture(scope="module")
def tfds_folder(tmp_path_factory):
    """A prepared dataset of vectors, without the code that made it."""
    path = tmp_path_factory.mktemp("tfds")
    F = tfds.features
    features = F.FeaturesDict(
        {"x": F.Tensor(shape=(2,), dtype=np.float32), "label": F.ClassLabel(names=["a", "b"])}
    )
    version = path / "strange_vectors" / "1.0.0"
    version.mkdir(parents=True)
    writer = tfds.core.SequentialWriter(
        tfds.core.DatasetInfo(
            builder=tfds.core.DatasetIdentity("strange_vectors", "1.0.0", str(version), "strange"),
            features=features,
        ),
        2,
    )
    writer.initialize_splits(["train"])
    rows = [{"x": np.zeros(2, np.float32), "label": n % 2} for n in range(8)]
    writer.add_examples({"train": rows})
    writer.close_all()
    return path


@pytest.mark.attack(
    "a class of another module in the features.json of a TFDS folder", "not imported"
)
def test_tfds_features_name_code(tfds_folder, strangers, tmp_path):
    from tfmeta.pipelines.tfds import prepared_builder

    name, marker = strangers
    assert prepared_builder("strange_vectors", tfds_folder).info.features is not None
    shutil.copytree(tfds_folder, tmp_path / "data")
    file = tmp_path / "data" / "strange_vectors" / "1.0.0" / "features.json"
    own = "tensorflow_datasets.core.features.class_label_feature.ClassLabel"
    assert own in file.read_text()
    file.write_text(file.read_text().replace(own, f"{name}.Feature"))
    with pytest.raises(UserError, match=rf"asks for the feature '{name}\.Feature' of tfds:strange"):
        prepared_builder("strange_vectors", tmp_path / "data")
    assert not marker.exists()


@pytest.mark.attack("tfds:NAME of a namespace, whose code TFDS would fetch", "refused")
@pytest.mark.parametrize("name", ["huggingface:mnist", "kaggle:x", "a/b/c", "../x", "x.py"])
def test_tfds_names_that_fetch_code(name):
    from tfmeta.pipelines.tfds import prepared_builder

    with pytest.raises(UserError, match="expected NAME, NAME/CONFIGURATION or NAME:VERSION"):
        prepared_builder(name)


def test_every_text_of_a_file_is_marked_and_stays_so():
    content = {"a": ["b", {"c": [1, None, "d"]}]}
    marked = from_file(content, "file.json")
    assert marked == content
    assert json.loads(json.dumps(marked)) == content
    key, (first, inner) = next(iter(marked.items()))
    texts = [key, first, next(iter(inner)), inner["c"][2]]
    assert all(type(text) is NameInFile and text.file == "file.json" for text in texts)
    assert tf.constant(first).numpy() == b"b"


def test_the_next_command_is_told_with_the_trust_that_it_needs(monkeypatch):
    """A later command reads from a file what this one was told, or was trusted with."""
    monkeypatch.setattr("tfmeta.named_code._said", set())
    monkeypatch.setattr("tfmeta.named_code._ran", set())
    import_named("tfmeta.learners.maml:MAML", "algorithm")
    with pytest.raises(UserError, match="pass --trust"):
        check_said(from_file("gym:robot:my/Reach-v0", "config.json"), "pipeline")
    assert trust_option() == ""
    with trusting(True):
        check_said(from_file("gym:robot:my/Reach-v0", "config.json"), "pipeline")
    assert trust_option() == " --trust"


def test_a_module_that_is_not_found_is_refused_with_where_python_looks(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import nowhere_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    names = ("nowhere_at_all:build", "nowhere_at_all.deep:build", "needs_more:build")
    found = {}
    for name in names:
        with pytest.raises(ImportError) as caught:
            import_named(name, "pipeline")
        found[name] = why_not_imported(name, caught.value)
    hint = 'which holds nowhere_at_all.py: PYTHONPATH="$PWD" tfmeta ...'
    assert [hint in told for told in found.values()] == [True, True, False]
    assert "No module named 'nowhere_at_all'" in found["needs_more:build"]
