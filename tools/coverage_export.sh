#!/usr/bin/env bash
# For coverage.sh, where Clang is: turns FOLDER/profiles into FOLDER/lcov.info.
#
#   tools/coverage_export.sh FOLDER
set -euo pipefail

folder=$1
cd "$BUILD_WORKSPACE_DIRECTORY"
llvm-profdata merge --sparse -o "$folder/merged.profdata" "$folder"/profiles/*.profraw

# All programs that know of lines: other builds have left theirs there, too.
objects=()
while IFS= read -r program; do
  ! llvm-readelf --sections "$program" 2>/dev/null | grep -q __llvm_covmap ||
    objects+=(-object "$program")
done < <(find -L bazel-bin/{functions,executors,pool,tests} -maxdepth 2 -type f -executable ! -name '*.*')
llvm-cov export -format=lcov -instr-profile="$folder/merged.profdata" \
  --ignore-filename-regex='external/|/proto/|_test[.]cc$' \
  "${objects[@]}" >"$folder/lcov.info"
