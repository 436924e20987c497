#!/bin/sh
# The kernels by GCC and by clang: compilers.sh BUILD_FOLDER OUTPUT_FOLDER [CLANG] writes training_bench_gcc and
# training_bench_clang, equal but for the sources of the kernels. Then run them in turn, with --kernels avx2 too.
set -eu
build=${1:?usage: compilers.sh BUILD_FOLDER OUTPUT_FOLDER [CLANG]}
out=${2:?usage: compilers.sh BUILD_FOLDER OUTPUT_FOLDER [CLANG]}
clang=${3:-clang++-16}
source=$(cd "$(dirname "$0")/../../src" && pwd)
flags="-std=c++20 -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math -I$source"
mkdir -p "$out"
cp "$build/src/train/libatml_train.a" "$out/clang.a"
for set in avx2 avx512; do
  case $set in
    avx2) machine="-mavx2 -mfma" ;;
    *) machine="-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512" ;;
  esac
  "$clang" $flags $machine -c "$source/train/kernels_$set.cpp" -o "$out/kernels_$set.cpp.o"
done
(cd "$out" && ar r clang.a kernels_avx2.cpp.o kernels_avx512.cpp.o)
cp "$build/bench/training/training_bench" "$out/training_bench_gcc"
link=$(ninja -C "$build" -t commands training_bench | tail -1)
cd "$build"
eval "$(echo "$link" | sed "s#src/train/libatml_train.a#$out/clang.a#g; s#-o bench/training/training_bench#-o $out/training_bench_clang#")"
