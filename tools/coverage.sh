#!/usr/bin/env bash
# Runs the tests, and says which lines of functions/, executors/ and pool/ they
# ran: docs/coverage.md. Twice: as they are, and without what only Linux has.
#
#   tools/coverage.sh [FOLDER [TARGET...]]
#
# FOLDER, a new one by default, gets an lcov.info of each. Without targets, //...
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(realpath -m "${1:-$(mktemp -d)}")
shift || true
(($#)) || set -- //...
targets=("$@")

# Runs the tests with flags $2... , and leaves $folder/$1/lcov.info.
measure() {
  local name=$1 status=0
  shift
  mkdir -p "$folder/$name/profiles"
  # %m: one file for each program, %c: which its processes share while they
  # run, so that those count, too, that are killed.
  ./bazelw test --config=coverage "$@" --keep_going --noshow_progress --nocache_test_results \
    --test_env=LLVM_PROFILE_FILE="$folder/$name/profiles/%m%c.profraw" \
    "${targets[@]}" || status=$?
  ((status == 0 || status == 3)) || exit "$status"
  ((status == 0)) || echo "Some tests failed; what they ran is counted." >&2
  # Where the compiler is, there are its tools: some program is run under them.
  ./bazelw run --config=coverage "$@" --noshow_progress \
    --run_under="$PWD/tools/coverage_export.sh $folder/$name" //tests:test_child
}

measure linux
measure portable --//executors:portable_posix
tools/count_coverage.py "$folder"/{linux,portable}/lcov.info
