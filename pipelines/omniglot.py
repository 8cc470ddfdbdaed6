"""Omniglot: 1,623 handwritten characters of 50 alphabets, 20 drawers each, from TFDS.

    tfmeta train omniglot --algorithm maml --ways 5 --shots 1 --queries 1 --inner-steps 1

Lake et al. 2015, https://doi.org/10.1126/science.aab3050. Images are reduced to 28x28, and ink has
high values. There are two splits. `characters` is the random split of the few-shot papers: 1,100
characters for training, 100 for validation and 423 for test, as in Finn et al. 2017. `alphabets` is
Lake's own: the 30 background alphabets, 5 of which (drawn from the seed) are for validation, and
the 20 evaluation alphabets for test.
"""

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.errors import UserError
from tfmeta.pipelines.tfds import prepared_builder
from tfmeta.reading.encoded_images import decode_files
from tfmeta.reading.image_format import ImageFormat

IMAGES = ImageFormat(28, 28, channels=1, invert=True)
NUM_VALIDATION, NUM_TEST = 100, 423
NUM_VALIDATION_ALPHABETS = 5


def build(
    *, data_dir=None, split: str = "characters", split_seed: int = 0, rotations: bool = True
) -> ClassSource:
    """The pipeline.

    Args:
        data_dir: the TFDS folder; TFDS's own default (`TFDS_DATA_DIR`) if None.
        split: "characters" or "alphabets".
        split_seed: decides the random split; the run's seed does not change it.
        rotations: whether quarter turns of a character are further classes.

    Raises:
        UserError: if `split` is neither of these, or Omniglot is not in `data_dir`.
    """
    if split not in ("characters", "alphabets"):
        raise UserError(f"received pipeline.split={split}; expected 'characters' or 'alphabets'")
    images, labels, alphabets, evaluation, names = _read(data_dir)
    rng = np.random.default_rng(split_seed)
    if split == "characters":
        order = rng.permutation(len(names))
        validation, test = order[:NUM_VALIDATION], order[NUM_VALIDATION:][:NUM_TEST]
    else:
        test = np.flatnonzero(evaluation)
        background = np.unique(alphabets[~evaluation])
        held_out = rng.choice(background, NUM_VALIDATION_ALPHABETS, replace=False)
        validation = np.flatnonzero(np.isin(alphabets, held_out) & ~evaluation)
    train = np.setdiff1d(np.arange(len(names)), np.concatenate([validation, test]))
    splits = {"train": train, "validation": np.sort(validation), "test": np.sort(test)}
    index = ClassIndex(images, labels, splits, names, alphabets)
    return ClassSource("omniglot", index, input_format=IMAGES, rotations=rotations)


def _read(data_dir):
    """Images `(32460, 28, 28, 1)`, their characters, and each one's alphabet, part and name."""
    builder = prepared_builder("omniglot", data_dir)
    parts = [_read_part(builder, part) for part in ("train", "test")]  # background, evaluation
    images, labels, alphabet_of_image, evaluation_of_image = (
        np.concatenate(arrays) for arrays in zip(*parts, strict=True)
    )
    _, first = np.unique(labels, return_index=True)
    label_names = builder.info.features["label"].names
    return (
        images,
        labels,
        alphabet_of_image[first],
        evaluation_of_image[first],
        tuple(label_names),
    )


def _read_part(builder, part):
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(split=part, decoders={"image": tfds.decode.SkipDecoding()})
    batches = [
        (decode_files(batch["image"], IMAGES), batch["label"], batch["alphabet"])
        for batch in dataset.batch(1024).as_numpy_iterator()
    ]
    images, labels, alphabets = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    return images, labels, alphabets, np.full(len(labels), part == "test")
