#!/bin/sh
# Runs the tests that compare numbers as other machines would: other numbers of threads, fewer
# instructions, and so other orders of adding up. Slow; FILES and PYTEST_ADDOPTS choose less.
# TensorFlow's own (Eigen's) kernels have no switch for instructions: what is limited here is
# oneDNN's, XLA's, NumPy's and OpenBLAS's.
python=${PYTHON:-.venv/bin/python}
files=$(grep -lE 'closeness|np\.testing|layer_trials|verif(y_export|ied)' tests/test_*.py)
failed=0
under() {
  echo "== $*"
  env "$@" "$python" -m pytest -q -p no:cacheprovider ${FILES:-$files} || failed=1
}
for onednn in 0 1; do
  under TF_ENABLE_ONEDNN_OPTS=$onednn
  for threads in 1 2; do
    under TF_ENABLE_ONEDNN_OPTS=$onednn TFMETA_TEST_THREADS=$threads OPENBLAS_NUM_THREADS=$threads
  done
  for isa in SSE41 AVX2 AVX512_CORE; do
    under TF_ENABLE_ONEDNN_OPTS=$onednn ONEDNN_MAX_CPU_ISA=$isa
  done
done
for isa in SSE4_2 AVX2; do
  under XLA_FLAGS=--xla_cpu_max_isa=$isa
done
under OPENBLAS_CORETYPE=Nehalem NPY_DISABLE_CPU_FEATURES="AVX2 AVX512F FMA3"
exit $failed
