"""Tiny TFDS datasets that are prepared here."""

import numpy as np
import tensorflow_datasets as tfds

CLASSES = ("ash", "beech", "cedar", "elm", "fir")
F = tfds.features


def pixels(label, number, side=8):
    """An image of noise, of its own, `(side, side, 3)`."""
    return np.random.default_rng([label, number]).integers(0, 256, (side, side, 3), np.uint8)


class Tiny(tfds.core.GeneratorBasedBuilder):
    """Four examples of each class, three in train and one in test, if `FEATURES` are given."""

    VERSION = tfds.core.Version("1.0.0")
    FEATURES = None

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=self.FEATURES)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(range(3)), "test": self._generate_examples([3])}

    def _generate_examples(self, numbers):
        for number in numbers:
            for label in range(len(CLASSES)):
                yield f"{number}-{label}", self.example(label, number)


def image_feature():
    return F.Image(shape=(None, None, 3))


class TinyImages(Tiny):
    FEATURES = F.FeaturesDict(
        {
            "image": image_feature(),
            "label": F.ClassLabel(names=CLASSES),
            "kind": F.ClassLabel(names=("leafy", "needled")),
            "number": F.Scalar(np.int64),
            "text": F.Text(),
        }
    )

    def example(self, label, number):
        kind = int(CLASSES[label] in ("cedar", "fir"))
        return {
            "image": pixels(label, number),
            "label": label,
            "kind": kind,
            "number": 10 * label + 7,
            "text": "so",
        }


class TinyVectors(Tiny):
    FEATURES = F.FeaturesDict(
        {
            "measures": F.Tensor(shape=(3,), dtype=np.float64),
            "box": F.BBoxFeature(),
            "species": F.ClassLabel(names=(*CLASSES, "yew")),  # there is no yew
        }
    )

    def example(self, label, number):
        species = -1 if (label, number) == (1, 3) else label
        box = F.BBox(0.0, 0.0, 1.0, 1.0)
        return {"measures": [label, number, 0.5], "box": box, "species": species}


class TinyPairs(Tiny):
    FEATURES = F.FeaturesDict(
        {
            "front": image_feature(),
            "back": image_feature(),
            "mask": F.LabeledImage(labels=2, shape=(None, None, 1)),
            "label": F.ClassLabel(names=CLASSES),
        }
    )

    def example(self, label, number):
        mask = np.zeros((8, 8, 1), np.uint8)
        front, back = pixels(label, number), pixels(label, number + 10)
        return {"front": front, "back": back, "mask": mask, "label": label}


class TinyUnlabelled(Tiny):
    FEATURES = F.FeaturesDict(
        {
            "image": image_feature(),
            "colour": F.ClassLabel(names=("red", "green")),
            "form": F.ClassLabel(names=CLASSES),
            "year": F.Scalar(np.int32),
        }
    )

    def example(self, label, number):
        image = pixels(label, number)
        return {"image": image, "colour": number % 2, "form": label, "year": 2000 + label}


class TinyOfOneSize(Tiny):
    """Images of a size that TFDS knows."""

    FEATURES = F.FeaturesDict(
        {"image": F.Image(shape=(8, 8, 3)), "label": F.ClassLabel(names=CLASSES)}
    )

    def example(self, label, number):
        return {"image": pixels(label, number), "label": label}


class TinyGrey(Tiny):
    FEATURES = F.FeaturesDict(
        {"image": F.Image(shape=(8, 8, 1)), "label": F.ClassLabel(names=CLASSES)}
    )

    def example(self, label, number):
        return {"image": pixels(label, number)[..., :1], "label": label}
