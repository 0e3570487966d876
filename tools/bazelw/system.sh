# shellcheck shell=bash
# Way 1: a bazel or bazelisk that is on PATH already.

# Of Bazel itself, these versions were tried or have what the project needs.
readonly bazel_major=7 bazel_first_minor=4

# Whether the program $1 is a Bazel of a version that will do. Bazelisk, also
# under the name bazel, prints the version it would run.
bazel_will_do() {
  local version
  version=$("$1" --version 2>/dev/null) || return 1
  [[ $version =~ ^bazel\ ([0-9]+)\.([0-9]+)\. ]] || return 1
  ((BASH_REMATCH[1] == bazel_major && BASH_REMATCH[2] >= bazel_first_minor))
}

# Prints the path of the program on PATH that will do. Bazelisk without its
# Bazel hangs where it can't download it, so the network is asked first.
system_bazel() {
  if has bazelisk && network_reaches_bazelisk; then
    command -v bazelisk
  elif has bazel && ! bazel_is_this_script && ! bazel_is_debians && bazel_will_do bazel; then
    command -v bazel
  else
    return 1
  fi
}

# Debian's package has Bazel's rules without the modules that they come from, so
# it needs what way 3 lays beside it.
bazel_is_debians() { [[ $(command -v bazel) == /usr/bin/bazel && -e /usr/share/bazel/install_base_key ]]; }

# Someone may have put bazelw on PATH under the name bazel.
bazel_is_this_script() { [[ $(command -v bazel) -ef $project/bazelw ]]; }

run_system() {
  local bazel
  bazel=$(system_bazel) ||
    die "No bazelisk, and no bazel $bazel_major.$bazel_first_minor or later $bazel_major.x, is on PATH; install one, or unset MULTIPROC_BAZELW."
  open_cache
  choose_bazel_version
  exec "$bazel" --bazelrc="$(online_bazelrc)" "$@"
}

# Has Bazelisk take this project's version, where the workspace names none: it would
# take the latest, which may lack what is needed here.
choose_bazel_version() {
  local folder=$PWD
  while [[ $folder != / && ! -e $folder/MODULE.bazel && ! -e $folder/WORKSPACE ]]; do
    folder=$(dirname "$folder")
  done
  [[ ! -e $folder/.bazelversion && -z ${USE_BAZEL_VERSION:-} ]] || return 0
  USE_BAZEL_VERSION=$(<"$project/.bazelversion")
  export USE_BAZEL_VERSION
}

# Prints the path of a bazelrc that lets clones share what they built.
online_bazelrc() {
  local rc=$cache/online.bazelrc
  if [[ ! -e $rc ]]; then
    echo "common --disk_cache=$cache/disk" >"$rc.$$" && mv "$rc.$$" "$rc"
  fi
  echo "$rc"
}
