# shellcheck shell=bash
# What the other parts of bazelw share: messages, the cache folder, the lock.

cache=${MULTIPROC_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:?is not set; set it or MULTIPROC_CACHE_DIR}/.cache}/multiproc}
[[ $cache == /* ]] || cache=$PWD/$cache

# Prints one line of progress with the seconds since bazelw started.
say() { printf '[bazelw %3ds] %s\n' "$SECONDS" "$*" >&2; }

# Prints what is missing, and ends.
die() {
  printf 'bazelw: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Makes the cache folder, and its path free of symlinks: it is mounted by name.
open_cache() {
  mkdir -p "$cache" || die "The cache folder $cache can't be made; set MULTIPROC_CACHE_DIR to another."
  cache=$(cd "$cache" && pwd -P)
  [[ $cache != *[[:space:]]* ]] || die "The cache folder '$cache' must not have spaces in its path; set MULTIPROC_CACHE_DIR to another."
}

# Holds the lock of the cache folder (descriptor 9) until release_lock.
take_lock() {
  exec 9>"$cache/lock"
  flock --nonblock 9 && return
  say "another bazelw is setting up in $cache; waiting for it"
  flock 9
}

# Bazel's server must not inherit the lock: it would hold it for hours.
release_lock() { exec 9>&-; }

# Goes to the project when the current folder is in no Bazel workspace.
enter_workspace() {
  local folder=$PWD
  while [[ $folder != / && -n $folder ]]; do
    [[ -e $folder/MODULE.bazel || -e $folder/WORKSPACE || -e $folder/WORKSPACE.bazel ]] && return
    folder=$(dirname "$folder")
  done
  cd "$project" || exit
}

# The short hash of what is read from standard input.
short_hash() { sha256sum | cut -c1-12; }
