#!/bin/sh
# Builds and runs the micro-benchmarks: run.sh matmul [shape rows bits block], run.sh attention.
set -e
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags="-std=c++17 -O3 -fno-exceptions -fno-rtti -fno-threadsafe-statics -ffp-contract=off -w"
avx512="-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c"
for file in native/src/*.cc; do
  name=$(basename "$file" .cc)
  case $name in
    *-neon|ort-*|c-api) continue ;;
    *-bf16) extra="$avx512 -mavx512bf16" ;;
    *-avx512) extra=$avx512 ;;
    *-avx2) extra="-mavx2 -mfma -mf16c" ;;
    *) extra= ;;
  esac
  c++ $flags $extra -c "$file" -o "$out/$name.o"
done
c++ $flags "bench/kernels/$1.cc" "$out"/*.o -lpthread -lm -o "$out/bench"
shift
${BENCH_PREFIX:-} "$out/bench" "$@"
