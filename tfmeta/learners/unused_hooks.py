"""Hooks of Keras's models that the steps of a learner do not call."""

_OF_COMPILE = "a task's loss and metrics are those that compile is given, or task_gradients' own"
_NEVER_CALLED = {  # and what counts in their place
    "compute_loss": _OF_COMPILE,
    "compute_metrics": _OF_COMPILE,
    "call": "answers are those of adapt and predict_with",
}


def refuse_unused_hooks(cls: type, base: type) -> None:
    """Raises TypeError if a class overrides one.

    Args:
        cls: a learner's class.
        base: of all learners; the first class below it that has a `call` does not override one.
    """
    learners = [each for each in cls.__mro__[1:] if issubclass(each, base)]
    for name, instead in _NEVER_CALLED.items():
        is_first = name == "call" and not any(name in vars(each) for each in learners)
        if name in vars(cls) and not is_first:
            raise TypeError(
                f"{cls.__name__} defines {name}, which the steps of a learner do not call: "
                f"{instead}"
            )
