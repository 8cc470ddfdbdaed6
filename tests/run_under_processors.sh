#!/bin/sh
# Runs the tests where numbers matter as other processors would: fewer instructions, other orders of
# adding up. Slow; FILES and PYTEST_ADDOPTS choose less. TensorFlow's own (Eigen's) kernels have no
# such switch: what is limited here is oneDNN's, XLA's, NumPy's and OpenBLAS's.
python=${PYTHON:-.venv/bin/python}
files="tests/test_pairwise.py tests/test_conformance.py tests/test_learner_numbers.py"
failed=0
under() {
  echo "== $*"
  env "$@" "$python" -m pytest -q -p no:cacheprovider ${FILES:-$files} || failed=1
}
under TF_ENABLE_ONEDNN_OPTS=0
under TF_ENABLE_ONEDNN_OPTS=1
for isa in SSE41 AVX2 AVX512_CORE; do
  under TF_ENABLE_ONEDNN_OPTS=0 ONEDNN_MAX_CPU_ISA=$isa
  under TF_ENABLE_ONEDNN_OPTS=1 ONEDNN_MAX_CPU_ISA=$isa
done
for isa in SSE4_2 AVX2; do
  under XLA_FLAGS=--xla_cpu_max_isa=$isa
done
under OPENBLAS_CORETYPE=Nehalem NPY_DISABLE_CPU_FEATURES="AVX2 AVX512F FMA3"
exit $failed
