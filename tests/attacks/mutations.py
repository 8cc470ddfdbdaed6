"""How many mutated files a test of the attacks tries: a few in the suite, `make attack` many."""

import os

# `make attack` sets TFMETA_ATTACKS=1000.
NUMBER = int(os.environ.get("TFMETA_ATTACKS", "15"))
