"""`tfmeta.derive`: the structure that a run has found, as a plain Keras network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.flags import check_flags
from tfmeta.named_code import import_named, trusting
from tfmeta.network_registry import NETWORKS
from tfmeta.networks.found_structure import (
    Choice,
    SearchSpace,
    drawn,
    is_untouched,
    mixed_operations,
    strongest,
)
from tfmeta.networks.network_cost import cost_of
from tfmeta.networks.structure_picture import picture_of
from tfmeta.training.checkpoints import LAST
from tfmeta.training.loading import load_run
from tfmeta.training.run_directory import RunDirectory
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_names, path, whole

_SUFFIX, _PICTURE = ".keras", ".svg"


@dataclass(frozen=True)
class Derived:
    """A network derived from a run. `str(derived)` is what `tfmeta derive` prints.

    Attributes:
        network: a plain Keras model without a head, its weights drawn at random.
        facts: what `tfmeta derive --json` prints: the `run`, its `network`, `checkpoint` and
            `step`; `random`, the seed of a structure drawn at random, or None; `structure`, a list
            of `{place, operation, share}`, the share None if it was drawn; `cost` and `reference`,
            each with a `name`, `parameters` and `multiplications` per example; and the `files` that
            were written.
        picture: of the structure, SVG.
    """

    network: keras.Model
    facts: dict[str, Any]
    picture: str

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """What `tfmeta derive` prints."""
        facts = self.facts
        how = f"drawn at random, seed {facts['random']}"
        if facts["random"] is None:
            how = f"found by step {facts['step']} of {facts['run']}"
        places = max(len(each["place"]) for each in facts["structure"])
        found = [f"structure of {facts['network']}, {how}"]
        for each in facts["structure"]:
            share = "" if each["share"] is None else f"  share {each['share']:.2f}"
            found.append(f"  {each['place']:{places}}  {each['operation']}{share}")
        for each in (facts["cost"], facts["reference"]):
            found.append(
                f"{each['name']}: {each['parameters']:,} parameters, "
                f"{each['multiplications']:,} multiplications per example, without a head"
            )
        return found


def derive(
    run: AnyPath,
    *,
    output: AnyPath | None = None,
    parameters: int | None = None,
    random: int | None = None,
    seed: int = 0,
    **loading: Any,
) -> Derived:
    """Takes the structure that a run has found as a plain Keras network, as `tfmeta derive` does.

    At each place the operation with the largest share is taken, "none" left out, and into each node
    of a cell the two connections with the largest shares (Liu et al. 2019, section 2.4). The
    network ends with its features. Its weights are drawn anew: it is to be trained.

    Args:
        run: the directory of a run whose network searches, such as `search_cells`.
        output: the `.keras` file to write, and beside it the picture, an `.svg` file of the same
            name; None writes nothing.
        parameters: cells are made as wide as this number allows; None for that of `conv4` without a
            head. Refused where the structure decides the width, as in `search_units`.
        random: the seed of a structure drawn uniformly from the same search space, in place of the
            one that was found: what random search tries.
        seed: of the weights.
        **loading: `checkpoint`, "last" or "best" by validation, by default the last, when the
            softmax is closest to one choice; `random` takes none. And `trust`, whether to run code
            that the run names or holds and that is not tfmeta's own.

    Raises:
        UserError: if there is no such run, its network doesn't search or has not been trained, the
            parameters are too few, or the file exists or can't be written.
    """
    check_names("derive", loading, ("checkpoint", "trust"))
    check_flags(trust=loading.get("trust", False))
    whole("seed", seed, least=0)
    _check_random(random, loading)
    whole("parameters", 1 if parameters is None else parameters, least=1)
    trained, place = RunDirectory.open(path("run", run)), _place(output)
    space, checkpoint = _space(trained), loading.get("checkpoint") or LAST
    with trusting(loading.get("trust", False)):
        choices, step = _choices(trained, space, checkpoint, random)
    keras.utils.set_random_seed(seed)
    derived = _derived(trained, space, choices, parameters)
    derived.facts.update(checkpoint=checkpoint, step=step, random=random)
    if random is not None:
        for each in derived.facts["structure"]:
            each["share"] = None
    if place is not None:
        derived.facts["files"] = _write(derived, place)
    return derived


def _check_random(random: int | None, loading: dict[str, Any]) -> None:
    if random is None:
        return
    whole("random", random, least=0)
    if loading.get("checkpoint") is not None:
        raise UserError(
            f"received random={random} and a checkpoint; expected one of them, because a structure "
            "that is drawn at random is of no checkpoint"
        )


def _space(run: RunDirectory) -> SearchSpace:
    name = run.settings.network
    row = NETWORKS.get(name)
    if row is None or not row.space:
        searching = [each for each, row in NETWORKS.items() if row.space]
        raise UserError(
            f"the network of {run.path} is {name!r}, which searches for no structure; expected a "
            f"run with --network {' or '.join(searching)}"
        )
    space: SearchSpace = import_named(row.space, "network")
    return space


def _choices(
    run: RunDirectory, space: SearchSpace, checkpoint: str, random: int | None
) -> tuple[list[Choice], int]:
    learner, step = load_run(run, checkpoint)
    layers = mixed_operations(learner)
    if random is not None:
        return space.kept(drawn(layers, random)), step
    if is_untouched(layers):
        raise UserError(
            f"no structure was found in {run.path}: at step {step} its structure weights are as "
            "they began. Train them (--train all)"
        )
    return space.kept(strongest(layers)), step


def _derived(
    run: RunDirectory, space: SearchSpace, choices: Sequence[Choice], parameters: int | None
) -> Derived:
    shape, options = run.source_facts.input_shape, run.settings.network_options
    size = {} if parameters is None else {"parameters": parameters}
    try:
        network = space.build(choices, shape, **size, **options)
    except ValueError as error:
        raise UserError(f"cannot derive a network: {error}") from error
    except KeyError as error:
        raise UserError(
            f"the run {run.path} is damaged: its structure has {error}, which is unknown to "
            f"{run.settings.network}",
            exit_status=1,
        ) from error
    reference = space.reference(shape, None)
    facts = {
        "run": str(run.path),
        "network": run.settings.network,
        "structure": [choice._asdict() for choice in choices],
        "cost": {"name": "derived", **cost_of(network)._asdict()},
        "reference": {"name": space.reference.__name__, **cost_of(reference)._asdict()},
        "files": [],
    }
    return Derived(network, facts, picture_of(space.connections(choices)))


def _place(output: AnyPath | None) -> Path | None:
    """The file to write, once it and its picture can be made."""
    if output is None:
        return None
    place = path("output", output)
    if place.suffix != _SUFFIX:
        raise UserError(f"received output={str(place)!r}; expected a name that ends in {_SUFFIX}")
    for each in (place, place.with_suffix(_PICTURE)):
        files.check_free(each)
    return place


def _write(derived: Derived, place: Path) -> list[str]:
    picture = place.with_suffix(_PICTURE)
    with files.locked(place), files.locked(picture):
        files.write_text(picture, derived.picture)
        with files.whole(place) as partial:
            keras.saving.save_model(derived.network, partial)
    return [str(place), str(picture)]
