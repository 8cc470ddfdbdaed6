#!/bin/sh
# Runs the tests that compare numbers as other machines would: other numbers of threads, fewer
# instructions, and so other orders of adding up. Each line has another value of several switches,
# so that each value meets most of the others. Slow; FILES and PYTEST_ADDOPTS ("-n 2") choose.
# TensorFlow's own (Eigen's) kernels have no switch for instructions: what is limited here is
# oneDNN's, XLA's, NumPy's and OpenBLAS's.
python=${PYTHON:-.venv/bin/python}
files=$(grep -lE 'closeness|np\.testing|layer_trials|verif(y_export|ied)' tests/*/test_*.py)
failed=0
under() {
  echo "== $*"
  env "$@" "$python" -m pytest -q -p no:cacheprovider ${FILES:-$files} || failed=1
}
threads() { echo "TFMETA_TEST_THREADS=$1 OPENBLAS_NUM_THREADS=$1"; }
without="TF_ENABLE_ONEDNN_OPTS=0"
with="TF_ENABLE_ONEDNN_OPTS=1 ONEDNN_MAX_CPU_ISA"
# TensorFlow asks the processor whether oneDNN has float16, not what it is limited to, and its
# tf.matmul of float16 is then a segmentation fault.
export PYTEST_ADDOPTS="$PYTEST_ADDOPTS -k 'not in_half_precision'"
xla="XLA_FLAGS=--xla_cpu_max_isa"
old_blas="OPENBLAS_CORETYPE=Nehalem"
dispatched='from numpy._core._multiarray_umath import __cpu_dispatch__ as all; print(*all)'
old_numpy="NPY_DISABLE_CPU_FEATURES=$("$python" -c "$dispatched")"
under $without $(threads 1) $xla=SSE4_2 $old_blas "$old_numpy"
under $with=SSE41 $(threads 2) $xla=AVX2
under $with=AVX2 $(threads 1) $old_blas "$old_numpy"
under $with=AVX512_CORE $(threads 1) $xla=SSE4_2
under $without $(threads 2) $xla=AVX2 $old_blas
exit $failed
