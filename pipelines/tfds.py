"""Any TFDS dataset of images or vectors with a label, prepared on this machine, without download.

    tfmeta train tfds:omniglot --data-dir DIR --set pipeline.group=alphabet
    tfmeta train tfds:cifar100 --data-dir DIR --set pipeline.split_by=class

Omniglot's 32,460 images took 38 s to read on two busy cores (with `stream`, 0.7 s from the second
time on). Its episodes are the same as those of the `omniglot` pipeline without rotations. The
splits of TFDS mostly hold the same classes, so they are put together, and the classes are split
anew.
"""

import re
from pathlib import Path

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.splitting import TEST, VALIDATION, split_classes
from tfmeta.errors import UserError, counted, described, listed
from tfmeta.extras import import_extra
from tfmeta.network_registry import suited_options
from tfmeta.pipelines import PHOTOGRAPHS
from tfmeta.reading.encoded_images import (
    deep_range_of,
    file_state,
    image_facts,
    images_key,
    origins_of,
    read_images,
)
from tfmeta.reading.image_files import FormatOptions
from tfmeta.reading.origins import Origins
from tfmeta.reading.tfds_features import ChosenFeatures, choose_features, only_own_features

_INFO = "dataset_info.json"  # the last file that TFDS writes
_NAME = re.compile(r"\w+(/[\w.+-]+)?(:[\d*]+(\.[\d*]+){0,2})?")  # of a dataset
_SAMPLE = 200  # images from which the format is guessed
# TFDS splits that repeat examples of the others: Lake's smaller background sets.
_REPEATING = {"omniglot": ("small1", "small2")}


def build(
    *,
    data_dir=None,
    name: str,
    image=None,
    label=None,
    group=None,
    size=None,
    channels=None,
    invert=None,
    deep_range=None,
    background: str = "white",
    resize: str = "squash",
    as_stored: bool = False,
    rotations: bool = False,
    split_by: str = "auto",
    validation: float = VALIDATION,
    test: float = TEST,
    split_seed: int = 0,
    stream: bool = False,
) -> ClassSource:
    """The pipeline.

    Args:
        data_dir: the TFDS folder; TFDS's own default (`TFDS_DATA_DIR`) if None.
        name: as in `tfds.load`, such as `cifar100` or `mnist_corrupted/fog:1.0.0`.
        image: the feature of the examples, an image or a vector; None for the only one.
        label: the feature of their classes; None for "label" or the only ClassLabel.
        group: the feature of the classes' groups; None if there are no groups.
        size, channels, invert, deep_range, background, resize, as_stored: for images; see
            `FormatOptions`.
        rotations: whether quarter turns of a class are further classes.
        split_by, validation, test, split_seed: see `split_classes`.
        stream: whether to keep the pixels on disk and not in memory.

    Raises:
        UserError: if the dataset is not in `data_dir`, it is not clear which features to take, or a
            class is in two groups.
    """
    builder = prepared_builder(name, data_dir)
    features = _top_features(name, builder)
    chosen = choose_features(name, features, image=image, label=label, group=group)
    dataset = _Dataset(builder, chosen)
    if chosen.is_vector:
        given = {"size": size, "channels": channels, "invert": invert, "stream": stream or None}
        _check_of_images(name, chosen.image, given)
        image_format, (examples, facts, origins) = None, dataset.read_vectors()
    else:
        options = FormatOptions(size, channels, invert, deep_range, background, resize, as_stored)
        found = dataset.deep_range() if deep_range is None else None
        image_format = options.resolve(dataset.sample(), found)
        examples, facts, origins = dataset.read_images(image_format, stream)
    labels, names = _numbered(features[chosen.label], facts["labels"])
    groups, group_names = None, ()
    if chosen.group is not None:
        group_of_example, group_names = _numbered(features[chosen.group], facts["groups"])
        groups = _groups_of_classes(name, labels, group_of_example, names)
    splits = split_classes(
        len(names), groups=groups, by=split_by, validation=validation, test=test, seed=split_seed
    )
    index = ClassIndex(examples, labels, splits, names, groups, group_names, origins)
    source = ClassSource(f"tfds:{name}", index, input_format=image_format, rotations=rotations)
    if image_format is not None and image_format.channels == 3 and not rotations:
        source.learning = _learning(features[chosen.image].shape, size)
    return source


def _learning(shape: tuple, size) -> dict:
    """What suits photographs, at their own size if the network has no use for more."""
    if size is not None:
        return PHOTOGRAPHS
    largest = suited_options(PHOTOGRAPHS["network"])["size"]
    is_smaller = None not in shape[:2] and max(shape[:2]) <= max(largest)
    return {**PHOTOGRAPHS, "pipeline.size": list(shape[:2]) if is_smaller else largest}


def prepared_builder(name: str, data_dir=None):
    """The TFDS builder of a dataset that has been prepared.

    Args:
        name: as in `tfds.load`.
        data_dir: the TFDS folder; None for TFDS's own default.

    Raises:
        UserError: if TFDS is not installed, knows no such dataset, or the dataset is not in the
            folder.
    """
    tfds = import_extra("tensorflow_datasets", package="tensorflow-datasets", extra="tfds")
    if not _NAME.fullmatch(name):  # for a name with a namespace, TFDS would download code
        raise UserError(
            f"TFDS has no dataset {name}, in {data_dir or 'its own folder'} or elsewhere; expected "
            "NAME, NAME/CONFIGURATION or NAME:VERSION"
        )
    try:
        with only_own_features(name, data_dir):
            builder = tfds.builder(name, data_dir=data_dir)
            builder.info  # noqa: B018  it is read when it is asked for
    except UserError:
        raise
    except Exception as error:  # for wrong names, versions and configurations, and damaged files
        raise UserError(
            f"TFDS has no dataset {name}, in {data_dir or 'its own folder'} or elsewhere "
            f"({described(error)}); expected NAME, NAME/CONFIGURATION or "
            "NAME:VERSION of one that is prepared. Name the TFDS folder with --data-dir"
        ) from error
    folder = Path(builder.data_dir)  # DATA_DIR/NAME/VERSION, or DATA_DIR/NAME/CONFIGURATION/VERSION
    if not (folder / _INFO).is_file():
        root = folder.parents[len(Path(builder.info.full_name).parts) - 1]
        raise UserError(
            f"{name.capitalize()} is not in {root} (looked for {folder}). Name the TFDS folder "
            f'that holds it with --data-dir, or fetch it: python -c "import tensorflow_datasets '
            f"as tfds; tfds.load('{name}', data_dir='{root}')\""
        )
    return builder


def _top_features(name, builder):
    features = builder.info.features
    if not hasattr(features, "items"):
        raise UserError(
            f"tfds:{name} has examples without named features ({type(features).__name__}); "
            "expected an image or a vector, and a label"
        )
    return dict(features.items())


def _check_of_images(name, image, given):
    given = [option for option, value in given.items() if value is not None]
    if given:
        raise UserError(
            f"received pipeline.{given[0]}, which is for images; feature {image} of tfds:{name} is "
            "a vector, kept in memory as it is. Leave the option out"
        )


class _Dataset:
    """Reads the examples of all splits, one after another, always in the same order."""

    def __init__(self, builder, chosen: ChosenFeatures):
        self._builder, self._chosen = builder, chosen
        repeating = _REPEATING.get(builder.name, ())
        self._sizes = {
            split: info.num_examples
            for split, info in builder.info.splits.items()
            if split not in repeating
        }
        self._names = [f"{split}/{n}" for split, size in self._sizes.items() for n in range(size)]

    def sample(self):
        """The first images, encoded."""
        return [item["content"] for _, item in zip(range(_SAMPLE), self._items(), strict=False)]

    def deep_range(self):
        """See `deep_range_of`; for a feature of 16 bits, all images are examined."""
        dtype = self._builder.info.features[self._chosen.image].np_dtype
        if np.dtype(dtype).itemsize == 1:
            return None
        return deep_range_of(item["content"] for item in self._items())

    def read_images(self, image_format, stream):
        """`(examples, facts, origins)`; see `encoded_images.read_images`."""
        key, version = None, self._builder.info.full_name
        if stream:
            state = file_state(Path(self._builder.data_dir) / _INFO)
            key = images_key(image_format, (version, state, str(self._chosen)))
        examples, facts = read_images(self._items(), _examine, image_format, key=key)
        if facts["unreadable"]:
            raise UserError(
                f"{counted(len(facts['unreadable']), 'image')} of tfds:{version} can't be read: "
                "the first "
                f"{facts['unreadable'][0][1]}; expected PNG, JPEG or GIF"
            )
        names = [self._names[place] for place in facts["places"]]
        return examples, facts, origins_of(names, facts, passed_over=self._unlabelled(names))

    def read_vectors(self):
        """`(examples, facts, origins)`; the examples are float32 `(examples, features)`."""
        items = list(self._items())
        facts = {name: [item[name] for item in items] for name in ("places", "labels", "groups")}
        names = tuple(self._names[place] for place in facts["places"])
        examples = np.array([item["content"] for item in items], np.float32)
        return examples, facts, Origins(names=names, passed_over=self._unlabelled(names))

    def _unlabelled(self, names):
        number = len(self._names) - len(names)
        return (f"{counted(number, 'example')} without a label (-1)",) if number else ()

    def _items(self):
        import tensorflow_datasets as tfds

        chosen, features = self._chosen, self._builder.info.features
        images = [name for name in features if isinstance(features[name], tfds.features.Image)]
        decoders = {name: tfds.decode.SkipDecoding() for name in images}
        is_class = isinstance(features[chosen.label], tfds.features.ClassLabel)
        first = 0
        for split, size in self._sizes.items():
            # TFDS reads the shards of a split in the same order as long as it does not shuffle.
            dataset = self._builder.as_dataset(split=split, decoders=decoders, shuffle_files=False)
            for place, each in enumerate(dataset.as_numpy_iterator(), first):
                label = int(each[chosen.label])
                if is_class and label < 0:  # TFDS's mark for an example without a label
                    continue
                yield {
                    "content": each[chosen.image],
                    "places": place,
                    "labels": label,
                    "groups": int(each[chosen.group]) if chosen.group else None,
                }
            first += size


def _examine(item):
    facts = {name: value for name, value in item.items() if name != "content"}
    return item["content"], {**image_facts(item["content"]), **facts}


def _numbered(feature, values):
    """The values of a feature as numbers from 0, and the name of each number."""
    import tensorflow_datasets as tfds

    if isinstance(feature, tfds.features.ClassLabel) and feature.num_classes:
        return np.array(values), tuple(feature.names)
    unique, numbers = np.unique(values, return_inverse=True)
    return numbers, tuple(map(str, unique.tolist()))


def _groups_of_classes(name, labels, group_of_example, class_names):
    """The group of each class, `(classes,)`; the first group for a class without examples.

    Raises:
        UserError: if a class is in two groups.
    """
    groups = np.zeros(len(class_names), int)
    present, first = np.unique(labels, return_index=True)
    groups[present] = group_of_example[first]
    mixed = np.unique(labels[group_of_example != groups[labels]])
    if len(mixed):
        named = listed([class_names[each] for each in mixed])
        raise UserError(
            f"{counted(len(mixed), 'class')} of tfds:{name} in two groups: {named}; expected one "
            "group per class. Choose another feature: --set pipeline.group=NAME"
        )
    return groups
