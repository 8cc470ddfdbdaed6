"""Omniglot by three pipelines, the folder's streamed: the same episodes, the same accuracy."""

import pytest
from drawn_episodes import episodes_of, same
from nightly import second_road

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.pipelines import build

pytestmark = [
    pytest.mark.omniglot,
    pytest.mark.slow,
    second_road(
        "tests/pipelines/test_tfds_pipeline.py::test_episodes_are_those_of_a_folder_of_the_same_files",
        "tests/pipelines/test_image_folder.py::test_streamed_episodes_are_those_in_memory",
        "tests/pipelines/omniglot/test_omniglot.py"
        "::test_omniglot_is_1623_characters_of_20_drawers_with_ink_high",
    ),
]

# The split of the papers, for pipelines that know of none: as many classes, by the same draw.
AS_OMNIGLOT = {"split_by": "class", "validation": 100, "test": 423}


def write_folder(root, data_dir):
    """The files as TFDS holds them, an alphabet a group.

    Classes are numbered by the order of their folders' names, and TFDS has an order of its own:
    the names here begin with their numbers.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder("omniglot", data_dir=data_dir)
    names = {n: builder.info.features[n].names for n in ("label", "alphabet")}
    decoders = {"image": tfds.decode.SkipDecoding()}
    numbers, first_of = {}, {}
    for part in ("train", "test"):
        dataset = builder.as_dataset(split=part, decoders=decoders)
        for each in dataset.as_numpy_iterator():
            label, alphabet = int(each["label"]), int(each["alphabet"])
            first_of[alphabet] = min(label, first_of.get(alphabet, label))
            numbers.setdefault((alphabet, label), []).append(each["image"])
    for (alphabet, label), files in numbers.items():
        group = f"{first_of[alphabet]:04d} {names['alphabet'][alphabet]}"
        folder = root / group / f"{label:04d} {names['label'][label]}"
        folder.mkdir(parents=True)
        for number, content in enumerate(files):
            (folder / f"{number:02d}.png").write_bytes(content)
    return root


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, built, omniglot_dir):
    """Each pipeline's source and what an evaluation of the same learner says, by its name here."""
    home = tmp_path_factory.mktemp("omniglot")
    folder = write_folder(home / "files", omniglot_dir)
    sources = {
        "tfds": ("tfds:omniglot", omniglot_dir, {**AS_OMNIGLOT, "group": "alphabet"}),
        "streamed": ("image-folder", folder, {**AS_OMNIGLOT, "stream": True}),
    }
    learner = tfmeta.Prototypical(tfmeta.networks.conv4((28, 28, 1), None, filters=8))
    shape = EpisodeShape(5, 1, 5)

    def evaluation(source):
        return source, Evaluator(learner, FixedEpisodes(source, shape, num_tasks=60)).run()

    found = {"omniglot": evaluation(built(rotations=False))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFMETA_CACHE", str(home / "cache"))
        for name, (pipeline, data_dir, options) in sources.items():
            found[name] = evaluation(build(pipeline, data_dir=data_dir, options=options))
    return found


@pytest.mark.parametrize("pipeline", ["tfds", "streamed"])
def test_the_same_episodes_and_the_same_accuracy(evaluated, pipeline):
    (_, expected), (_, received) = evaluated["omniglot"], evaluated[pipeline]
    assert received["episodes_sha256"] == expected["episodes_sha256"]
    assert received["accuracy"] == expected["accuracy"]
    assert expected["accuracy"] > 0.3
    assert expected["pipeline"] == "omniglot" != received["pipeline"]


def test_tfds_says_of_it_what_the_omniglot_pipeline_knows(evaluated):
    (ours, _), (source, _) = evaluated["omniglot"], evaluated["tfds"]
    assert source.input_format == ours.input_format
    assert same(*(episodes_of(s, EpisodeShape(20, 1, 19), 5) for s in (source, ours)))
    assert source.index.class_names == ours.index.class_names
    assert source.index.groups.tolist() == ours.index.groups.tolist()
    assert source.index.group_names[:2] == ("Alphabet_of_the_Magi", "Angelic")
    assert len(source.index.labels) == 32460  # without small1 and small2, which repeat some
    assert source.index.origins.sizes.tolist() == [[105, 105]] * 32460
