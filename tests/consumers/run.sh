#!/usr/bin/env bash
# Builds and tests the projects of this folder, which depend on multiproc as
# those of its users do, each by bazelw in its own workspace.
#
#   tests/consumers/run.sh [NAME...]
#
# Without names, all. A line for each says how it went, and the last line how
# many passed; what a failure printed stands before its line.
#
#   public_targets  the project has the public targets of public_targets.txt
#   bzlmod          by modules, with a backend of its own; what the registry tests
#   workspace       by WORKSPACE
#   own_pool        has a pool/, a proto/ and a namespace pool of its own; C++20
#                   with warnings as errors, without exceptions and RTTI
#   other_versions  has another Abseil already, under another name
#   worker_program  its workers are another program than their parent
set -uo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
project=$(cd "$folder/../.." && pwd -P)
readonly folder project
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# As in the project's own .bazelrc, so that what its builds have left in the
# cache on disk serves here. own_pool, whose flags differ, does without.
readonly shared_flags=(--incompatible_strict_action_env
  --host_compilation_mode=fastbuild
  --per_file_copt='^external/.*@-w' --host_per_file_copt='^external/.*@-w'
  --per_file_copt='[.]pb[.](cc|h)$@-w'
  --features=external_include_paths --host_features=external_include_paths)

bazelw() { "$project/bazelw" "$@" </dev/null; }

# Tests the project in the current folder, with flags $@. Of its server nothing
# is left: each would keep some hundred megabytes.
test_project() {
  local status=0
  bazelw test --noshow_progress --color=no --curses=no --test_output=all \
    --experimental_convenience_symlinks=ignore "$@" //... || status=$?
  bazelw shutdown
  return "$status"
}

# A config_setting is no target that one could depend on, and always public.
check_public_targets() {
  cd "$project" &&
    bazelw query 'attr(visibility, "//visibility:public", //...) except kind(config_setting, //...)' | LC_ALL=C sort |
    diff "$folder/public_targets.txt" -
}

run_one() {
  if [[ $1 == public_targets ]]; then
    check_public_targets
    return
  fi
  cd "$folder/$1" || return
  case $1 in
    own_pool) test_project --incompatible_strict_action_env --host_compilation_mode=fastbuild ;;
    other_versions)
      local distdir
      distdir=$("$folder/fetch_abseil.sh") || distdir=
      test_project "${shared_flags[@]}" --features=-parse_headers ${distdir:+"--distdir=$distdir"}
      ;;
    *) test_project "${shared_flags[@]}" ;;
  esac
}

main() {
  local name start passed=0 failed=0
  (($#)) || set -- public_targets bzlmod workspace own_pool other_versions worker_program
  for name; do
    start=$SECONDS
    if (run_one "$name") >"$log" 2>&1; then
      ((passed += 1))
      printf '%s: passed, %d s%s\n' "$name" "$((SECONDS - start))" "$(remark)"
    else
      ((failed += 1))
      cat "$log"
      printf '%s: FAILED, %d s\n' "$name" "$((SECONDS - start))"
    fi
  done
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

# How much was to build, and what a consumer's test says of itself.
remark() {
  sed -n -e 's/^INFO: \([0-9]* processes: .*\)\.$/; \1/p' \
    -e 's/^\(Abseil [0-9].*\|the program: .*\)/; \1/p' "$log" | tr -d '\n'
}

main "$@"
