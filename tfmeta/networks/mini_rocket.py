"""Features of windows of sensor data that nothing trains: MiniRocket."""

from itertools import combinations
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tfmeta.networks.fitted_layer import FittedLayer
from tfmeta.reading.sensor_windows import SHORTEST

LENGTH = SHORTEST  # of a kernel
_KERNELS = np.array(
    [np.where(np.isin(range(LENGTH), high), 2, -1) for high in combinations(range(LENGTH), 3)]
)
_NUMBER = len(_KERNELS)  # 84
# A kernel makes zero of what is constant, up to rounding, which must not decide what is above. So
# thresholds are a little above the quantiles, for examples of a deviation of about one.
_APART = 1e-3
_GOLDEN = (np.sqrt(5) + 1) / 2


@keras.saving.register_keras_serializable("tfmeta")
class MiniRocket(FittedLayer):
    """In which share of a window a fixed convolution is above a threshold: 84 times `number`.

    Dempster, Schmidt and Webb 2021, "MiniRocket", https://arxiv.org/abs/2012.08791, section 3: the
    84 kernels of nine weights of which three are 2 and six are -1; dilations from 1 up to where a
    kernel is as long as a window, evenly spaced in their logarithms; thresholds that are quantiles
    of what a kernel makes of an example. Of several channels, each kernel sums some that are drawn
    (the authors' implementation). Every second kernel sees zeros before and after the window, the
    others none. Before `fit`, all thresholds are zero.

    Args:
        number: of thresholds of each kernel, in all dilations together.
        **options: of a Keras layer.
    """

    def __init__(self, number: int = 24, **options: Any):
        super().__init__(**options)
        if not isinstance(number, int) or number < 1:
            raise ValueError(f"received {number} thresholds; expected a whole number, 1 or more")
        self.number = number

    def build(self, input_shape: Any) -> None:
        _, time, channels = input_shape
        if time < LENGTH:
            raise ValueError(f"received windows of {time} steps; expected {LENGTH} or more")
        self.dilations, counts = _dilations(time, self.number)
        options = {"initializer": "zeros", "trainable": False}
        self.kernels = [
            self.add_weight(shape=(LENGTH, channels, _NUMBER), name=f"kernels{each}", **options)
            for each in self.dilations
        ]
        self.thresholds = [
            self.add_weight(shape=(count, _NUMBER), name=f"thresholds{each}", **options)
            for each, count in zip(self.dilations, counts, strict=True)
        ]
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """Windows `(batch, time, channels)` -> `(batch, 84 * number)`, each share from 0 to 1."""
        shares = []
        for number, dilation in enumerate(self.dilations):
            around = 4 * dilation  # of zeros that the first and the last place see
            is_padded = ops.equal((np.arange(_NUMBER) + number) % 2, 0)
            made = self._convolved(x, number)
            thresholds = ops.convert_to_tensor(self.thresholds[number])
            for row in range(thresholds.shape[0]):
                is_above = ops.cast(made > thresholds[row], made.dtype)
                inside = is_above[:, around : x.shape[1] - around]
                shares.append(ops.where(is_padded, ops.mean(is_above, 1), ops.mean(inside, 1)))
        return ops.concatenate(shares, -1)

    def _convolved(self, x: Any, number: int) -> Any:
        """`(batch, time, 84)`, by the kernels of one dilation."""
        kernels = ops.convert_to_tensor(self.kernels[number])
        return ops.conv(x, kernels, 1, "same", dilation_rate=self.dilations[number])

    def fit(self, x: npt.NDArray[Any]) -> None:
        """Draws channels, and takes the thresholds from examples.

        Args:
            x: `(examples, time, channels)`.
        """
        rng = np.random.default_rng(0)
        # A low-discrepancy sequence: however few are taken, they are spread evenly.
        levels = np.arange(1, self.number + 1) * _GOLDEN % 1
        taken = 0
        for number, thresholds in enumerate(self.thresholds):
            self.kernels[number].assign(_of_drawn_channels(x.shape[-1], rng))
            examples = rng.integers(len(x), size=_NUMBER)
            made = ops.convert_to_numpy(self._convolved(x[examples], number))
            own = made[np.arange(_NUMBER), :, np.arange(_NUMBER)]  # an example for each kernel
            count = thresholds.shape[0]
            thresholds.assign(np.quantile(own, levels[taken : taken + count], axis=1) + _APART)
            taken += count

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], _NUMBER * self.number)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "number": self.number}


def _dilations(time: int, number: int) -> tuple[list[int], list[int]]:
    """The dilations of windows of so many steps, and how many thresholds each has."""
    most = np.log2((time - 1) / (LENGTH - 1))
    every = np.logspace(0, most, number, base=2.0)
    # The last one may be rounded to what is longer than a window.
    whole = np.minimum(np.int64(every + 1e-9), (time - 1) // (LENGTH - 1))
    dilations, counts = np.unique(whole, return_counts=True)
    return dilations.tolist(), counts.tolist()


def _of_drawn_channels(channels: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The kernels `(9, channels, 84)`, zero where a channel is not drawn; few are likelier."""
    most = np.log2(min(channels, LENGTH) + 1)
    is_drawn = np.zeros((channels, _NUMBER), bool)
    for number in range(_NUMBER):
        size = int(2 ** rng.uniform(0, most))
        is_drawn[rng.choice(channels, size, replace=False), number] = True
    return np.float32(_KERNELS.T[:, np.newaxis] * is_drawn)
