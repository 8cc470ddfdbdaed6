"""What every kind of input has in common: images, texts, sounds, rows of numbers.

Imports no TensorFlow, because reading a user's files and an export's description needs none. The
graph of a format stands in a module of its own, which its methods import when they are called.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfmeta import typed_fields as typed
from tfmeta.errors import UserError, listed
from tfmeta.reading.example_reader import ExampleReader
from tfmeta.reading.format_registry import Limit

if TYPE_CHECKING:
    from tfmeta.reading.corruptions.corruption import Corruption
    from tfmeta.reading.example_parts import ExampleParts
    from tfmeta.reading.origins import Origins
    from tfmeta.reading.prepared import Prepared

_MOST_SHOWN = 8  # of an example's numbers
# By what an input's name ends in, and by what happens: an encoded value -> a spoilt one.
Spoilt = Mapping[str, Mapping[str, Callable[[Any], Any]]]


class InputFormat(ABC):
    """How examples of one kind are read and prepared, in training and in a served model.

    A format that has a `suffix` takes encoded examples: the content of a file, a text, the columns
    of a row. An export then has a variant of each signature that takes them, with one or more
    inputs for each input of prepared examples; `encoded_types` names them. What takes one string
    per example is a `StringFormat`. A format without a suffix takes numbers as they are.
    `tfmeta.reading.format_registry` lists the kinds.

    Attributes:
        kind: the word under which a run and an export record it.
        noun: what an example is called, in the plural.
        suffix: of the signatures that take encoded examples; "" if there are none.
        required: the fields without which a record of it is damaged, for `typed_fields.checked`.
        limits: the most that a request may hold, `{name: (default, what it limits)}`.
        are_ids: whether the numbers in a prepared example name things, so that a close number means
            something else.
        value_range: the least and the greatest number in a prepared example, if the kind has them.
        has_pictures: whether `pictures` can show examples.
        features: names of an example's numbers, in their order; empty if they have none.
        without_content: what an example for which `is_empty` is true is, in words.
    """

    kind: ClassVar[str]
    noun: ClassVar[str]
    suffix: ClassVar[str] = ""
    required: ClassVar[dict[str, typed.Kind]] = {}
    limits: ClassVar[dict[str, Limit]] = {}
    are_ids: ClassVar[bool] = False
    value_range: tuple[float, float] | None = None
    has_pictures: ClassVar[bool] = False
    features: tuple[str, ...] = ()
    without_content: ClassVar[str] = ""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Of one prepared example; None if the format does not say."""
        return None

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The format as JSON can hold it."""

    @classmethod
    @abstractmethod
    def from_dict(cls, fields: dict[str, Any]) -> "InputFormat":
        """Reads what `to_dict` made.

        Raises:
            ValueError, TypeError, UserError: if a field is not what it should be.
        """

    @abstractmethod
    def reader(self, input_shape: tuple[int, ...], target_size: int | None) -> ExampleReader:
        """The object that reads a user's support sets and queries.

        Args:
            input_shape: of one prepared example.
            target_size: the number of values per answer; None if the answers are classes.
        """

    def refuse_values(self, target_size: int | None) -> None:
        """Raises UserError for a format whose support sets are files with classes."""
        if target_size is not None:
            raise UserError(
                f"the examples are {self.noun} with values, which are in no format of files; use "
                "the learner's adapt and predict_with in Python"
            )

    @abstractmethod
    def prepared(self, examples: Any) -> "Prepared":
        """A source's examples for `tfmeta inspect` and the baselines.

        Args:
            examples: `(examples, *shape)`, an array or a `RecordFile`.
        """

    def pipeline_options(self) -> dict[str, Any]:
        """The options with which another pipeline reads its examples in this format."""
        return {}

    def compact(self, x: Any) -> Any:
        """Prepared examples in the smallest type from which they come back to the same bits."""
        return x

    def pictures(self, x: Any) -> Any:
        """Prepared examples `(..., *shape)` as `(..., height, width, 1 or 3)` from 0 to 1.

        Only if `has_pictures`.
        """
        return x

    @property
    def picture_axes(self) -> tuple[str, str] | None:
        """What a picture shows from left to right, and from below to above; None for a place."""
        return None

    def as_seen(self, x: Any) -> Any:
        """Numbers `(..., height, width, n)` for each place of examples, as `pictures` shows them.

        Only if `has_pictures`.
        """
        return x

    def parts(self, encoded: Any, example: Any, background: Any) -> "ExampleParts":
        """The parts of an example that can be hidden: places of a picture, words, columns.

        Args:
            encoded: the example as a reader returned it.
            example: the same, prepared: an array of the format's shape.
            background: `shape`, what stands in place of a part: what other examples have there on
                average.
        """
        from tfmeta.reading import example_parts

        del encoded
        example, background = np.asarray(example), np.asarray(background)
        names = {name: [place] for place, name in enumerate(self.features)}
        if names:
            return example_parts.columns(example, background, names)
        return example_parts.numbers(example, background)

    def words(self, x: Any) -> list[str]:
        """Prepared examples `(examples, *shape)` as texts, each the first of its numbers."""
        return [self._numbers(each.reshape(-1)) for each in x]

    def from_words(self, words: list[str]) -> Any:
        """Examples as a reader returns them, from the words by which a source knows them.

        None if `parts` needs no more than prepared examples.
        """
        del words

    def _numbers(self, example: Any) -> str:
        names = self.features or [""] * len(example)
        numbers = [f"{n} {v:.4g}".strip() for n, v in zip(names, example, strict=False)]
        return listed(numbers, _MOST_SHOWN)

    def corruptions(self) -> "tuple[Corruption, ...]":
        """What may be wrong with examples when a model is used, for `tfmeta robustness`."""
        return ()

    def seen(self) -> list[tuple[str, str]]:
        """What the network sees, for `tfmeta inspect`: pairs of a name and words."""
        return []

    # In a graph

    def prepare(self, examples: Any, *, name: str = "example") -> Any:
        """Examples as a reader returns them -> as the network takes them; eagerly or in a graph.

        Args:
            examples: encoded examples of any shape `(...)`.
            name: what an error calls the input.

        Returns:
            float32 `(..., *shape)`.

        Raises:
            tf.errors.InvalidArgumentError: if one is refused; the message begins with the name.
        """
        del name
        return examples

    def checks(self, x: Any, name: str) -> list[Any]:
        """Assertions about examples that a client has prepared itself."""
        del x, name
        return []

    def is_empty(self, x: Any) -> Any:
        """Which prepared examples `(..., *shape)` have no content, `(...)`; None if all have some.

        Whatever a model says of them says nothing, so they are unknown.
        """
        del x

    # Encoded examples in a graph

    @property
    def encoded_types(self) -> dict[str, str]:
        """The type of each input of an encoded example, by what its name ends in."""
        return {}

    def inputs_of(self, name: str) -> dict[str, str]:
        """The type of each input that takes encoded examples in place of the input `name`."""
        return {name + ending: dtype for ending, dtype in self.encoded_types.items()}

    def within_limits(self, inputs: dict[str, Any], limits: Mapping[str, int]) -> dict[str, Any]:
        """Checks the encoded inputs of one request before any example is prepared.

        Args:
            inputs: tensors of any shape, by the name of the input.
            limits: those of the request, by name.

        Returns:
            By the name of the input, what `prepare_limited` takes.
        """
        del limits
        return inputs

    def prepare_limited(self, limited: dict[str, Any], *, name: str) -> Any:
        """The prepared examples, float32 `(..., *shape)`.

        Args:
            limited: what `within_limits` returned for `inputs_of(name)`, each `(...)`.
            name: as in `inputs_of`.

        Raises:
            tf.errors.InvalidArgumentError: if an example is refused; the message begins with an
                input's name.
        """
        raise TypeError(f"{name}: {self.noun} are not encoded, received {sorted(limited)}")

    def prepare_inputs(self, inputs: dict[str, Any], *, name: str) -> Any:
        """`prepare_limited` for the tensors themselves, without the limits of a request."""
        return self.prepare_limited(inputs, name=name)

    @property
    def paddings(self) -> dict[str, Any]:
        """An encoded example that takes little work, for rows that are padding, by endings."""
        return {}

    @property
    def spoilt_inputs(self) -> Spoilt:
        """What may happen to an encoded example so that it must be refused, by endings."""
        return {}

    def may_be_nan(self, name: str) -> bool:
        """Whether NaN is a good value of an input; it then stands for one that is missing."""
        del name
        return False

    # For exports

    def resources(self) -> Any:
        """What an exported model must keep so that `prepare` works, such as a table; or None."""
        return None

    def draw_inputs(
        self, rng: Any, shape: tuple[int, ...], draw_numbers: Callable[[], Any]
    ) -> dict[str, Any]:
        """Random encoded examples, arrays of that shape by endings; none if none are encoded.

        `draw_numbers` returns numbers `(*shape, *self.shape)` such as the network's examples have.
        """
        return {}

    def draw_prepared(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """Random examples `shape` as a client would prepare them; None leaves it to the network."""
        del rng, shape

    def limits_for(self, origins: "Origins") -> dict[str, int]:
        """Limits of a request that differ from their defaults, for examples such as these."""
        return {}

    def admitted(self, inputs: list[Any]) -> dict[str, int]:
        """What the limits must be at least, by name, for a request with these encoded inputs."""
        del inputs
        return {}

    def description(self) -> str:
        """Lines for an export's README: what its inputs take; "" if there is nothing to say."""
        return ""

    def shown(self) -> dict[str, Any]:
        """An encoded example in a request's JSON, shortened, by endings."""
        return {}

    @property
    def client_arguments(self) -> str | None:
        """What `client.py` takes on its command line for this format; None if it takes nothing."""
        return None
