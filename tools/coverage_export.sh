#!/usr/bin/env bash
# For coverage.sh, where Clang is: turns FOLDER/profiles into FOLDER/lcov.info.
#
#   ./bazelw run --config=coverage //tools:coverage_export -- FOLDER
set -euo pipefail

folder=$1
cd "$BUILD_WORKSPACE_DIRECTORY"
llvm-profdata merge --sparse -o "$folder/merged.profdata" "$folder"/profiles/*.profraw

# All programs of the tests, as which of them have which lines is not known.
objects=()
while IFS= read -r program; do
  objects+=(-object "$program")
done < <(find -L bazel-bin/{functions,executors,pool,tests} -maxdepth 2 -type f -executable \
  ! -name '*.*' -newermt '2000-01-01')
llvm-cov export -format=lcov -instr-profile="$folder/merged.profdata" \
  --ignore-filename-regex='^(/|external|bazel-out|tests/|proto/)|_test[.]cc$' \
  "${objects[@]}" >"$folder/lcov.info"
