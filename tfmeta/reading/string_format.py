"""What the kinds of input have in common whose examples are one string each. No TensorFlow."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from tfmeta.reading.input_format import InputFormat, Spoilt


class StringFormat(InputFormat):
    """An encoded example is one string: the content of a file, or a text. See `InputFormat`.

    Attributes:
        spoilt: what may happen to an encoded example so that it must be refused.
        padding: an encoded example that takes little work.
    """

    spoilt: ClassVar[dict[str, Callable[[bytes], bytes]]]
    padding: ClassVar[bytes]

    @abstractmethod
    def prepare(self, examples: Any, *, name: str = "example") -> Any:
        """As in `InputFormat`, from strings."""

    @abstractmethod
    def prepare_checked(self, checked: Any, *, name: str) -> Any:
        """`prepare` for what `within_limits` returned for the input `name`."""

    @abstractmethod
    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """Random encoded examples, an object array of that shape."""

    @abstractmethod
    def admitted_strings(self, encoded: list[bytes]) -> dict[str, int]:
        """`admitted` for the examples of a request."""

    # Each for the one input of an encoded example

    @property
    def encoded_types(self) -> dict[str, str]:
        return {self.suffix: "string"}

    def prepare_limited(self, limited: dict[str, Any], *, name: str) -> Any:
        return self.prepare_checked(limited[name + self.suffix], name=name + self.suffix)

    def prepare_inputs(self, inputs: dict[str, Any], *, name: str) -> Any:
        return self.prepare(inputs[name + self.suffix], name=name + self.suffix)

    @property
    def paddings(self) -> dict[str, Any]:
        return {self.suffix: self.padding}

    @property
    def spoilt_inputs(self) -> Spoilt:
        return {self.suffix: self.spoilt}

    def draw_inputs(
        self, rng: Any, shape: tuple[int, ...], draw_numbers: Callable[[], Any]
    ) -> dict[str, Any]:
        del draw_numbers
        return {self.suffix: self.draw(rng, shape)}

    def admitted(self, inputs: list[Any]) -> dict[str, int]:
        return self.admitted_strings([each for values in inputs for each in values.flat])

    def shown(self) -> dict[str, Any]:
        return {self.suffix: "..."}
