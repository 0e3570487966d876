#!/usr/bin/env bash
# Gets the Abseil that other_versions names from Debian's sources, where the
# network is no more than Debian's mirror, and prints the folder with it. Bazel
# compares its checksum with that of the release.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=tools/bazelw/common.sh
. "$project/tools/bazelw/common.sh"
# shellcheck source=tools/bazelw/system.sh
. "$project/tools/bazelw/system.sh"
# shellcheck source=tools/bazelw/packages.sh
. "$project/tools/bazelw/packages.sh"
# shellcheck source=tools/bazelw/debian.sh
. "$project/tools/bazelw/debian.sh"
# shellcheck source=tools/bazelw/sandbox.sh
. "$project/tools/bazelw/sandbox.sh"

# The version that WORKSPACE names, as it is in its strip_prefix.
wanted_version() {
  sed -n 's/.*strip_prefix = "abseil-cpp-\(.*\)",/\1/p' "$project/tests/consumers/other_versions/WORKSPACE"
}

# Downloads Debian's source of Abseil $1, of whichever revision, to file $2.
download() {
  local tmp revision
  tmp=$(mktemp -d)
  write_apt_settings "$tmp/apt" sid
  private_apt "$tmp" apt-get -qq update >&2
  revision=$(private_apt "$tmp" apt-cache madison abseil | awk -v want="$1-" 'index($3, want) == 1 { print $3; exit }')
  [[ -n $revision ]] || { rm -rf "$tmp"; die "Debian's sid has no Abseil $1 any more; Bazel has to download it."; }
  (cd "$tmp" && private_apt "$tmp" apt-get -qq source --download-only --tar-only "abseil=$revision") >&2
  mv "$tmp/abseil_$1.orig.tar.gz" "$2"
  rm -rf "$tmp"
}

main() {
  local version folder
  open_cache
  folder=$cache/consumers
  version=$(wanted_version)
  if [[ ! -e $folder/abseil-cpp-$version.tar.gz ]]; then
    has apt-get || die "no apt-get here; Bazel has to download Abseil itself."
    mkdir -p "$folder"
    download "$version" "$folder/abseil-cpp-$version.tar.gz"
  fi
  echo "$folder"
}

main
