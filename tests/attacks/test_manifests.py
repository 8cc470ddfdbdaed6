"""What a file says of a model or a run is compared with the model, or covered by a digest."""

import json
import shutil

import model_answers
import pytest
import trained

from tfmeta.errors import UserError
from tfmeta.exporting.contract import MANIFEST
from tfmeta.exporting.manifest import Manifest
from tfmeta.training.loading import load
from tfmeta.training.run_directory import RunDirectory
from tfmeta.typed_fields import with_digest

WRONG = (None, True, -1, 0, 1.5, "nonsense", [], {}, ["x"], {"a": 1}, [1, "x"], 2**70)


def rewritten(path, change, *, sign=False):
    """`change`s the JSON object in a file; `sign` makes its digest right again."""
    content = json.loads(path.read_text())
    content = change(content) or content
    path.write_text(json.dumps(with_digest(content, without=["files"]) if sign else content))


def reverse_the_names(facts):
    facts["class_names"].reverse()


@pytest.mark.attack(
    "reversed `class_names` in an export's tfmeta.json, its digest made right or not",
    "`verify` and `predict` refuse: the names in the model are others",
)
@pytest.mark.parametrize("sign", [False, True])
def test_reversed_class_names(sign, tmp_path):
    version = trained.copy_of(trained.adapted_export(), tmp_path)
    rewritten(version / MANIFEST, reverse_the_names, sign=sign)
    done = trained.tfmeta("verify", version, "--json")
    checks = {each["check"]: each for each in json.loads(done.stdout)["checks"]}
    failed = checks["load" if sign else "files"]
    assert (done.returncode, failed["ok"]) == (1, False)
    assert ("class_names" if sign else "digest") in failed["detail"]
    done = trained.tfmeta("predict", version, trained.query_files()[0])
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert ("class_names" if sign else "digest") in line


LIES = {
    "kind": "generator",
    "padded": True,
    "input_shape": [28, 28, 3],
    "input_dtype": "float64",
    "num_outputs": 4,
    "class_names": ["somebody"],
    "image_format": None,
    "targets": "values",
}


@pytest.mark.attack(
    "a tfmeta.json that says another kind, shape, dtype, number of classes or sort of input",
    "`verify` fails its check `load`, and names both values",
)
@pytest.mark.parametrize("key", LIES)
def test_a_lie_about_the_model(key, tmp_path):
    version = trained.copy_of(trained.learner_export(), tmp_path)
    rewritten(version / MANIFEST, lambda facts: facts.update({key: LIES[key]}), sign=True)
    message = model_answers.disagreement(version)
    assert "Export again" in message
    assert key in message or key == "image_format"


# Older files do not say these; the limits are in the graph too.
_MAY_BE_MISSING = {"sha256", "limits", "format", "targets", "row_format", "tolerance"}
_MAY_BE_MISSING |= {"num_examples"}


def mistyped(path, read):
    """Each key missing, and with values of other kinds: every one that is accepted is sound."""
    before = path.read_text()
    content = json.loads(before)
    tried = [(key, None) for key in content]
    tried += [(key, [value]) for key in content for value in WRONG]
    for key, values in tried:
        changed = {name: value for name, value in content.items() if name not in (key, "sha256")}
        if values is not None:
            changed[key] = values[0]
        path.write_text(json.dumps(changed))
        told = why_not(read)
        if told:
            assert "\n" not in told
            assert key in told
        elif key != "sha256":
            assert values or key in _MAY_BE_MISSING, f"{key} was missed by nobody"
            if not values:
                continue
            assert is_alike(values[0], content[key]), f"{key}={values} was taken"
    for broken in ("[]", "null", "3", before[: len(before) // 2], "[" * 100_000, ""):
        path.write_text(broken)
        with pytest.raises(UserError, match=path.name.removesuffix(".json")):
            read()
    path.write_text(before)
    read()


def why_not(read):
    try:
        read()
    except UserError as error:
        return str(error)
    return ""


def is_alike(value, own):
    """Whether a wrong value could be meant: null, or one of the same type."""
    # target_centre and target_spread may be numbers, or lists of them.
    is_number = own is None and (value == [] or isinstance(value, int | float))
    return value is None or type(value) is type(own) or is_number


@pytest.mark.attack(
    "each key of tfmeta.json or source.json missing, or of another type; the file cut short, or "
    "nested 100,000 deep",
    "one line that names the key and what was expected",
)
def test_every_key_of_a_manifest(tmp_path):
    version = trained.copy_of(trained.adapted_export(), tmp_path)
    mistyped(version / MANIFEST, lambda: Manifest.read(version))


def test_every_key_of_a_source(tmp_path):
    shutil.copytree(trained.glyph_run(), tmp_path / "run")
    run = RunDirectory.open(tmp_path / "run")
    mistyped(run.path / "source.json", lambda: run.source_facts)


@pytest.mark.attack(
    "a tfmeta.json whose list of files leads elsewhere, or leaves the model out", "refused"
)
def test_files_elsewhere_or_left_out(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    before = (version / MANIFEST).read_text()
    for name in ("../1/README.md", "/etc/passwd"):
        rewritten(
            version / MANIFEST, lambda facts, name=name: facts["files"].update({name: "0" * 64})
        )
        with pytest.raises(UserError, match=r"a file elsewhere"):
            Manifest.read(version)
        (version / MANIFEST).write_text(before)
    rewritten(version / MANIFEST, lambda facts: facts.update(files={}))
    done = trained.tfmeta("verify", version, "--json")
    assert done.returncode == 1
    assert "not among the files" in done.stdout


@pytest.mark.attack(
    "a run whose source.json has images of another size, or turned over, or whose config.json was "
    "changed",
    "refused: the network takes others, or the digest differs",
)
def test_a_run_that_was_changed(tmp_path):
    def copy(name):
        return shutil.copytree(trained.glyph_run(), tmp_path / name)

    def other_size(facts):
        facts["image_format"] |= {"height": 14, "width": 14}
        facts["input_shape"] = [14, 14, 1]
        return with_digest(facts)

    def two_sizes(facts):
        return with_digest({**facts, "input_shape": [14, 14, 1]})

    run = copy("inverted")
    rewritten(run / "source.json", lambda facts: facts["image_format"].update(invert=True))
    with pytest.raises(UserError, match=r"digest differs"):
        load(run)
    run = copy("two sizes")
    rewritten(run / "source.json", two_sizes)
    with pytest.raises(UserError, match=r"expected the same"):
        load(run)
    run = copy("another size")
    rewritten(run / "source.json", other_size)
    with pytest.raises(UserError, match=r"network takes examples of \(28, 28, 1\)"):
        load(run)
    run = copy("config")
    rewritten(run / "config.json", lambda flat: flat.update(seed=1))
    with pytest.raises(UserError, match=r"digest differs"):
        load(run)
