#!/usr/bin/env bash
# Checks the form of the files in git, or sets it right where a tool can.
#
#   tools/lint.sh [--fix] [buildifier] [clang-format] [shellcheck] [doxygen]
#
# Without names, all four. doxygen looks for public names without a comment, and
# leaves the reference in docs/api. Tools that are missing are installed by apt-get if
# that is allowed; buildifier comes from its npm package.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${MULTIPROC_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/multiproc}

readonly buildifier_version=8.2.1

die() {
  printf 'lint: %s\n' "$*" >&2
  exit 1
}

# Installs Debian's package $2 unless the program $1 is there.
need() {
  command -v "$1" >/dev/null && return
  ((EUID == 0)) || die "$1 is missing; run 'sudo apt-get install $2'."
  { apt-get -qq update && apt-get -qq -y --no-install-recommends install "$2"; } </dev/null >&2 ||
    die "$1 is missing, and apt-get could not install the package $2."
}

# Prints the sha256 of the buildifier for this machine.
buildifier_sha256() {
  case $(uname -m) in
    x86_64) echo 6ceb7b0ab7cf66fceccc56a027d21d9cc557a7f34af37d2101edb56b92fcfa1a ;;
    aarch64) echo 3baa1cf7eb41d51f462fdd1fff3a6a4d81d757275d05b2dd5f48671284e9a1a5 ;;
    *) die "buildifier has no pinned file for $(uname -m)." ;;
  esac
}

# Takes the program for Linux out of the npm package, to the file $1.
fetch_buildifier() {
  local file=$1 tmp machine=amd64
  need npm npm
  [[ $(uname -m) == x86_64 ]] || machine=arm64
  tmp=$(mktemp -d)
  (cd "$tmp" && npm pack --silent "@bazel/buildifier@$buildifier_version" >/dev/null && tar -xzf ./*.tgz) ||
    die "buildifier could not be fetched by npm; try again."
  echo "$(buildifier_sha256)  $tmp/package/buildifier-linux_$machine" | sha256sum --check --quiet >&2 ||
    die "buildifier has not the pinned sha256; it was not run."
  mkdir -p "$(dirname "$file")"
  install -m 755 "$tmp/package/buildifier-linux_$machine" "$file.$$" && mv "$file.$$" "$file"
  rm -rf "$tmp"
}

run_buildifier() {
  local buildifier=$cache/buildifier/$buildifier_version mode=(-mode=check -lint=warn)
  [[ -x $buildifier ]] || fetch_buildifier "$buildifier"
  [[ -z $fix ]] || mode=(-mode=fix -lint=fix)
  git ls-files -z 'BUILD' '*/BUILD' '*.BUILD' '*.bzl' '*WORKSPACE' '*WORKSPACE.bzlmod' '*MODULE.bazel' |
    xargs -0 -r "$buildifier" "${mode[@]}"
}

run_clang_format() {
  local mode=(--dry-run -Werror)
  need clang-format clang-format
  [[ -z $fix ]] || mode=(-i)
  git ls-files -z '*.cc' '*.h' '*.proto' | xargs -0 -r clang-format "${mode[@]}"
}

# Shell scripts are told by their first line. Parts of one that have no such
# line are checked with it, by --check-sourced.
shell_scripts() {
  local file line
  git grep -lIE '^#!.*\b(ba|da)?sh$' | while read -r file; do
    read -r line <"$file"
    [[ $line != '#!'*sh ]] || echo "$file"
  done
}

run_shellcheck() {
  need shellcheck shellcheck
  shell_scripts | xargs -r shellcheck --check-sourced
}

run_doxygen() {
  need doxygen doxygen
  local page=docs/api/html/classmultiproc_1_1ProcessPool.html
  rm -f "$page"
  mkdir -p docs/api
  doxygen docs/Doxyfile || return
  # It is content with a filter that can't be run, and reads nothing then.
  grep -q MapAsync "$page" ||
    die "The reference lacks ProcessPool::MapAsync; does tools/doxygen_filter.py run?"
}

run_one() {
  case $1 in
    buildifier) run_buildifier ;;
    clang-format) run_clang_format ;;
    shellcheck) run_shellcheck ;;
    doxygen) run_doxygen ;;
    *) die "There is no check '$1'; there are buildifier, clang-format, shellcheck and doxygen." ;;
  esac
}

main() {
  local name failed=0
  fix=
  if [[ ${1:-} == --fix ]]; then
    fix=yes
    shift
  fi
  (($#)) || set -- buildifier clang-format shellcheck doxygen
  for name; do
    run_one "$name" || failed=1
  done
  return "$failed"
}

main "$@"
