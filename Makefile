# Everything runs in $(VENV), which the first target that needs it sets up.
#   make test VENV=/some/where PYTHON=python3.12

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# A PYTHON that the caller names is the only candidate.
CANDIDATES := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.10)

# tests/helpers/whole_files.py divides the tests among the workers, and orders them. There is one
# worker per core, for whose small products OpenBLAS would start as many threads again.
WORKERS := --numprocesses=auto --maxprocesses=4 --no-loadscope-reorder
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest $(WORKERS)

.DEFAULT_GOAL := help
.PHONY: help demo test nightly slow quick lint docs bench newest faults layers attack numerics clean

help:  ## what there is
	@sed -n 's/^\([a-z]*\):.*  ## /  make \1	/p' $(firstword $(MAKEFILE_LIST))

demo: $(READY)  ## train, evaluate, export, verify and predict on drawn glyphs; no download
	rm -rf runs/demo runs/demo-images exported/demo
	$(BIN)/tfmeta train glyphs --algorithm maml --queries 1 --steps 200 --run-dir runs/demo
	$(BIN)/tfmeta evaluate runs/demo --queries 15 --tasks 300
	$(BIN)/tfmeta export runs/demo --kind learner --output exported/demo
	$(BIN)/tfmeta verify exported/demo
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m tfmeta.pipelines.glyphs runs/demo-images \
	  2>runs/demo-images.log || { cat runs/demo-images.log >&2; exit 1; }
	$(BIN)/tfmeta predict exported/demo --support runs/demo-images/support runs/demo-images/queries/*.png
	@printf '%s\n' '' \
	  'Characters of an alphabet that the model never saw, each learned from one drawing. Next:' \
	  '  . $(BIN)/activate' \
	  '  tfmeta predict exported/demo --support YOUR_FOLDER IMAGE...   a subfolder of images a class' \
	  '  tensorboard --logdir runs                                     how the training went' \
	  '  tfmeta train omniglot --data-dir DIR                          real characters; see docs/guide' \
	  '  less exported/demo/1/README.md                                the request, and TensorFlow Serving'

test: $(READY)  ## the test suite; of wide tables the rows that cover them
	$(PYTEST)

nightly: $(READY)  ## the same with every row of the tables, and second roads to what is tested
	TFMETA_NIGHTLY=1 $(PYTEST)

QUICK := $(PYTEST) --ignore=tests/exporting -m 'not slow and not omniglot'

quick: $(READY)  ## the tests without processes and exports that take half a second, in two minutes
	TFMETA_QUICK=1 $(QUICK)

slow: $(READY)  ## the same; those that take longer are left out from then on
	TFMETA_QUICK=1 TFMETA_SLOW_TESTS=1 $(QUICK)

lint: $(READY)  ## style, formatting and types, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)  ## the guide and the API reference, into site/; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# learn2learn does not build, but its MAML is plain Python.
bench: $(READY)  ## time training beside the peers, which it installs into runs/peers; an hour
	$(BIN)/python -m venv runs/peers
	runs/peers/bin/python -m pip install -qq torch jax optax higher numpy
	$(BIN)/python -m pip download -qq --no-binary :all: --no-deps -d runs/peers learn2learn==0.2.0
	tar -xzf runs/peers/learn2learn-0.2.0.tar.gz -C runs/peers
	$(BIN)/python benchmarks/bench.py --peers runs/peers/bin/python \
	  --learn2learn runs/peers/learn2learn-0.2.0

newest: $(READY)  ## install the newest Keras, released or not, to test with
	$(BIN)/python -m pip install --upgrade --pre keras

faults: $(READY)  ## write docs/faults.md, security.md, licences.md and reference/settings.md
	$(BIN)/python tests/helpers/fault_table.py
	$(BIN)/python tests/helpers/licence_table.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python tests/helpers/settings_page.py

layers: $(READY)  ## write docs/layers.md: every layer of Keras tried; several minutes
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python tests/helpers/layer_trials.py

attack: $(READY)  ## the attacks, 1,000 mutated files of each sort, and a search for worse; slow
	TFMETA_ATTACKS=1000 $(BIN)/python -m pytest tests/attacks
	$(BIN)/python -m pip install --quiet atheris
	for kind in pickles npz csv settings; do \
	  TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python tests/attacks/coverage_guided.py $$kind 300 runs/attack-$$kind \
	  || exit 1; done

numerics: $(READY)  ## the tests where numbers matter, as other processors would run them; slow
	PYTHON=$(BIN)/python sh tests/helpers/run_under_processors.sh

clean:  ## remove the environment, builds and caches; runs/ and exported/ stay
	@if [ -f "$(VENV)/pyvenv.cfg" ]; then echo 'rm -rf "$(VENV)"'; rm -rf "$(VENV)"; fi
	rm -rf build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# pip is brought up to date because Python 3.10's first ones cannot install a pyproject.toml
# in editable mode.
$(READY): pyproject.toml
	@set -e; \
	if ! "$(BIN)/python" -m pip --version >/dev/null 2>&1; then \
	  found=; bare=; \
	  for p in $(CANDIDATES); do \
	    "$$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || continue; \
	    if "$$p" -c 'import ensurepip, venv' 2>/dev/null; then found=$$p; break; fi; \
	    bare="$$bare $$p"; \
	  done; \
	  if [ -z "$$found" ] && [ -n "$$bare" ]; then \
	    echo "make: no venv module in:$$bare. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; \
	  elif [ -z "$$found" ]; then \
	    echo "make: tfmeta needs Python 3.10 to 3.13; tried: $(CANDIDATES). Name one: make PYTHON=/path/to/python3.12" >&2; exit 1; \
	  fi; \
	  clear=; if [ -f "$(VENV)/pyvenv.cfg" ]; then clear=--clear; fi; \
	  echo "$$found -m venv $$clear $(VENV)"; \
	  "$$found" -m venv $$clear "$(VENV)"; \
	fi
	@echo "installing tfmeta, TensorFlow and the tools into $(VENV): minutes, the first time"
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check --upgrade pip
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check -e '.[dev]'
	@touch "$@"
