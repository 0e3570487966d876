#!/usr/bin/env bash
# Runs the tests, and says which lines of functions/, executors/ and pool/ they
# ran: docs/coverage.md.
#
#   tools/coverage.sh [FOLDER [TARGET...]]
#
# FOLDER, a new one by default, gets lcov.info. Without targets, //...
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(realpath -m "${1:-$(mktemp -d)}")
shift || true
(($#)) || set -- //...
mkdir -p "$folder/profiles"

# %m: one file for each program, %c: which its processes share while they run,
# so that those count, too, that are killed.
status=0
./bazelw test --config=coverage --keep_going --noshow_progress \
  --test_env=LLVM_PROFILE_FILE="$folder/profiles/%m%c.profraw" \
  --sandbox_writable_path="$folder/profiles" "$@" || status=$?
((status == 0 || status == 3)) || exit "$status"
((status == 0)) || echo "Some tests failed; what they ran is counted." >&2

./bazelw run --config=coverage --noshow_progress //tools:coverage_export -- "$folder"
tools/count_coverage.py "$folder/lcov.info"
