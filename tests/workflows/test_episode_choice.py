"""What a user chose of episodes, written as options, is what a command reads."""

import pytest

from tfmeta.cli import main
from tfmeta.commands.protocol_options import given_protocol
from tfmeta.workflows.episode_choice import EpisodeChoice

OPTIONS = [
    "--split=validation --tasks=7 --seed=3 --pipeline=image-folder --data-dir=somewhere",
    "--ways=3-5 --shots=2 --queries=1-4 --unbalanced --within-group --skip-small-classes",
    "--balanced --across-groups --query-other-group",
    "--query-same-group --skip-unreadable",
    "--set=pipeline.size=[8, 9] --set=pipeline.label=a b",
    "--episodes=few.episodes",
    "--checkpoint=last",
    "",
]


def choice_of(words):
    """As `tfmeta evaluate` reads them."""
    given = dict(main.commands["evaluate"].make_context("evaluate", ["run", *words]).params)
    checkpoint = given.pop("checkpoint")
    for name in ("run_dir", "trust", "as_json"):
        given.pop(name, None)
    protocol = given_protocol(given)
    protocol.pop("baselines")
    episodes = protocol.pop("episodes")
    return EpisodeChoice.of("evaluate", episodes, {**protocol, "checkpoint": checkpoint})


@pytest.mark.parametrize("options", OPTIONS)
def test_the_options_of_a_choice_are_read_as_the_same_choice(options):
    words = [f"--{each}" for each in options.replace("--", "\0").split("\0") if each]
    choice = choice_of([word.strip() for word in words])
    assert choice_of(choice.options()) == choice
    assert len(choice.options()) == len(words)
