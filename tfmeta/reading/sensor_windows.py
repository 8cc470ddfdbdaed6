"""Which examples are windows of sensor data."""

SHORTEST = 9  # steps, as long as the convolutions that windows are told apart by


def are_windows(input_shape: tuple[int, ...]) -> bool:
    """Whether an example is `(time, channels)`, and long enough for convolutions."""
    return len(input_shape) == 2 and input_shape[0] >= SHORTEST
