"""`tfmeta predict`: the same answers from a run, a learner export and an adapted export."""

import json
import shutil

import numpy as np
import pytest
import trained
from closeness import assert_close, assert_same_answers
from PIL import Image
from trained import CLASSES

import tfmeta


def predict(model, *arguments):
    """The predictions, from a process whose standard output must be one JSON object alone."""
    done = trained.tfmeta("predict", model, *trained.query_files(), *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)["predictions"]


@pytest.fixture(scope="module")
def run_process():
    """`tfmeta predict RUN`, in a process of its own."""
    arguments = [*trained.query_files(), "--support", trained.support_folder()]
    return trained.tfmeta("predict", trained.glyph_run(), *arguments, "--json")


@pytest.fixture(scope="module")
def from_run(run_process):
    assert run_process.returncode == 0, run_process.stderr
    return json.loads(run_process.stdout)["predictions"]


@pytest.fixture
def from_export(asked):
    return asked(trained.learner_export(), support=trained.support_folder())


@pytest.fixture
def asked(kept_exports):
    """`asked(model, images, support=...)`: the predictions, without a process of their own."""

    def ask(model, images=None, **support):
        images = trained.query_files() if images is None else images
        return [each.to_dict() for each in tfmeta.predict(model, images, **support)]

    return ask


@pytest.fixture(scope="module")
def few_classes(tmp_path_factory):
    """Three classes for a learner of five, one of them with a single image, in mixed formats."""
    folder = tmp_path_factory.mktemp("few") / "support"
    for name in ("bar", "disc", "ring"):
        shutil.copytree(trained.support_folder() / name, folder / name)
    (folder / "disc" / "1.png").unlink()
    trained.draw(4, 0, size=70).convert("RGB").save(folder / "ring" / "2.jpg")
    (folder / "bar" / ".hidden").write_text("passed over")
    (folder / "notes.txt").write_text("beside the classes, so no class")
    return folder


def test_json_is_alone_on_standard_output_and_tensorflow_starts_quietly(run_process):
    assert run_process.stdout.count("\n") == 1
    assert json.loads(run_process.stdout).keys() == {"predictions"}
    assert run_process.stderr == ""


def test_an_answer_for_each_image_in_the_order_given(from_run):
    assert [each["image"] for each in from_run] == [str(file) for file in trained.query_files()]
    for each in from_run:
        assert each.keys() == {"image", "label", "confidence", "unknown", "probabilities"}
        assert 0 < each["unknown"] < 1
        assert tuple(each["probabilities"]) == CLASSES
        assert_close(sum(each["probabilities"].values()), 1.0, dtype=np.float32)
        assert each["confidence"] == max(each["probabilities"].values())
        assert each["probabilities"][each["label"]] == each["confidence"]
    assert len({each["confidence"] for each in from_run}) == len(from_run)


def test_run_and_export_answer_alike(from_run, from_export):
    assert_same_answers(from_export, from_run)


def test_adapted_export_answers_alike_without_a_support_folder(from_run):
    assert_same_answers(predict(trained.adapted_export()), from_run)


def test_adapted_export_takes_no_support_folder():
    arguments = [*trained.query_files(), "--support", trained.support_folder()]
    done = trained.tfmeta("predict", trained.adapted_export(), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "baked in" in line
    assert "leave --support out" in line


def test_fewer_classes_than_ways_answer_among_themselves(few_classes, asked):
    of_few_classes = asked(trained.learner_export(), support=few_classes)
    for each in of_few_classes:
        assert each["probabilities"].keys() == {"bar", "disc", "ring"}
        assert_close(sum(each["probabilities"].values()), 1.0, dtype=np.float32)
        assert each["label"] in each["probabilities"]
    assert_same_answers(asked(trained.glyph_run(), support=few_classes), of_few_classes)


def test_fewer_classes_in_an_adapted_export(few_classes, asked, tmp_path):
    output = tmp_path / "few"
    arguments = ["--kind", "adapted", "--support", few_classes, "--output", output]
    trained.call("export", trained.glyph_run(), *arguments, *trained.AS_IT_IS)
    assert_same_answers(asked(output), asked(trained.glyph_run(), support=few_classes))


def test_an_images_answer_does_not_depend_on_the_others_and_a_version_can_be_named(
    from_export, asked
):
    last = trained.query_files()[-1:]
    assert_same_answers(asked(trained.adapted_export() / "1", last), from_export[-1:])


@pytest.mark.usefixtures("kept_exports")
def test_without_json_one_line_an_image(from_export, capfd):
    arguments = ["predict", trained.adapted_export(), *trained.query_files()]
    status, output, errors = trained.inside(capfd, *arguments)
    assert (status, errors) == (0, "")
    for line, each in zip(output.splitlines(), from_export, strict=True):
        numbers = f"{each['confidence']:.3f}  unknown {each['unknown']:.3f}"
        assert line == f"{each['image']}  {each['label']}  {numbers}"


@pytest.fixture
def every_mode(tmp_path):
    """Files that Pillow, which checks them, can read; it knows more than the graph that decodes."""
    grey = trained.draw(2, 1)
    colour = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
    for suffix, modes in {
        "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
        "jpg": ("L", "RGB", "CMYK"),
        "gif": ("L", "P"),
        "bmp": ("1", "L", "P", "RGB", "RGBA"),
    }.items():
        for mode in modes:
            image = grey if mode in ("1", "L", "LA", "I;16") else colour
            image.convert(mode).save(tmp_path / f"{mode.replace(';', '')}.{suffix}")
    return sorted(tmp_path.iterdir())


def answered_or_refused(status, output, errors, images):
    if status == 0:
        assert len(json.loads(output)["predictions"]) == len(images)
    else:
        (line,) = errors.splitlines()
        assert line.startswith("Error: ")
        assert str(images[0].parent) in line


def test_a_run_answers_every_image_or_refuses_it_in_a_line(every_mode, capfd):
    arguments = [*every_mode, "--support", trained.support_folder(), "--json"]
    answer = trained.inside(capfd, "predict", trained.glyph_run(), *arguments)
    answered_or_refused(*answer, every_mode)


@pytest.mark.usefixtures("kept_exports")
def test_an_export_answers_every_image_or_refuses_it_in_a_line(every_mode, capfd):
    arguments = ["predict", trained.adapted_export(), *every_mode, "--json"]
    answered_or_refused(*trained.inside(capfd, *arguments), every_mode)


def test_colours_of_a_palette_are_seen_in_every_format(asked, tmp_path):
    """The same picture, as an image with a palette and without, gets the same answer."""
    picture = Image.new("RGB", (28, 28), (10, 10, 10))
    picture.paste((250, 240, 230), (4, 4, 12, 24))
    picture.paste((90, 160, 120), (16, 4, 22, 24))
    for suffix in ("png", "gif", "bmp"):
        picture.save(tmp_path / f"plain.{suffix if suffix != 'gif' else 'png'}")
        palette = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=3)
        palette.save(tmp_path / f"palette.{suffix}")
    images = sorted(tmp_path.iterdir())
    answers = asked(trained.adapted_export(), images)
    plain = answers[images.index(tmp_path / "plain.png")]
    assert_same_answers(answers, [{**plain, "image": str(image)} for image in images])


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ((), "0 class subfolders; this learner takes 2 to 5"),
        (("bar",), "1 class subfolder; this learner takes 2 to 5"),
        ("abcdef", "6 class subfolders; this learner takes 2 to 5"),
        (("bar", "empty"), "empty is empty; expected at least one image"),
    ],
    ids=["none", "one", "six", "an empty one"],
)
def test_a_support_folder_that_does_not_fit_is_refused(folders, message, tmp_path):
    for name in folders:
        (tmp_path / name).mkdir()
        if name != "empty":
            trained.draw(0, 0).save(tmp_path / name / "0.png")
    arguments = [*trained.query_files(), "--support", tmp_path]
    done = trained.tfmeta("predict", trained.learner_export(), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert message in line


def test_a_learner_needs_a_support_folder(capfd):
    needed = "Error: received no support set; expected --support DIR"
    done = trained.tfmeta("predict", trained.learner_export(), *trained.query_files())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(needed)
    answer = trained.inside(capfd, "predict", trained.glyph_run(), *trained.query_files())
    assert answer[:2] == (2, "")
    (line,) = answer[2].splitlines()
    assert line.startswith(needed)


def test_a_damaged_export_is_refused_in_a_line(tmp_path):
    version = trained.copy_of(trained.adapted_export(), tmp_path)
    weights = version / "variables/variables.data-00000-of-00001"
    weights.write_bytes(weights.read_bytes()[:100])
    done = trained.tfmeta("predict", tmp_path, *trained.query_files())
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: cannot load the export")
