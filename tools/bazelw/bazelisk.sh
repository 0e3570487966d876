# shellcheck shell=bash
# Way 2: Bazelisk, which in turn downloads the Bazel of .bazelversion.

readonly bazelisk_version=1.28.1
readonly bazelisk_site=https://github.com/bazelbuild/bazelisk

# Prints the sha256 of the released file for system $1.
bazelisk_sha256() {
  case $1 in
    linux-amd64) echo 22e7d3a188699982f661cf4687137ee52d1f24fec1ec893d91a6c4d791a75de8 ;;
    linux-arm64) echo 8ded44b58a0d9425a4178af26cf17693feac3b87bdcfef0a2a0898fcd1afc9f2 ;;
    darwin-amd64) echo 023225736cea5dc88f2b0807d5b1af4eb0f69a4ed45e3994b2c18c263bc80e48 ;;
    darwin-arm64) echo dea3f3f5de2dbc5e269e0132cdd369d5efe738f7b973d5d4eb2b4f7055a97b39 ;;
    *) return 1 ;;
  esac
}

# Prints this machine's system as the names of the released files spell it.
bazelisk_system() {
  local system machine
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  machine=$(uname -m)
  case $machine in
    x86_64) machine=amd64 ;;
    aarch64) machine=arm64 ;;
  esac
  echo "$system-$machine"
}

bazelisk_file() { echo "$cache/bazelisk/$bazelisk_version/bazelisk"; }

# Asks for three seconds at most: a network that is cut off may not answer at all.
network_reaches_bazelisk() {
  has curl && curl --silent --fail --head --location --max-time 3 --output /dev/null "$bazelisk_site"
}

# Prints the sha256 of file $1; macOS has shasum where Linux has sha256sum.
sha256_of() {
  if has sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

download_bazelisk() {
  local file=$1 system sha256
  system=$(bazelisk_system)
  sha256=$(bazelisk_sha256 "$system") ||
    die "Bazelisk has no pinned file for $system; install bazel $bazel_major.$bazel_first_minor or later $bazel_major.x by hand."
  say "downloading Bazelisk $bazelisk_version for $system"
  mkdir -p "$(dirname "$file")"
  curl --silent --show-error --fail --location --retry 3 --output "$file.$$" \
    "$bazelisk_site/releases/download/v$bazelisk_version/bazelisk-$system" ||
    die "Bazelisk could not be downloaded; try again, or use MULTIPROC_BAZELW=debian on a Debian-like machine."
  [[ $(sha256_of "$file.$$") == "$sha256" ]] ||
    { rm -f "$file.$$"; die "The downloaded Bazelisk has not the pinned sha256; nothing was run."; }
  chmod +x "$file.$$" && mv "$file.$$" "$file"
}

run_bazelisk() {
  local file
  open_cache
  file=$(bazelisk_file)
  [[ -x $file ]] || download_bazelisk "$file"
  choose_bazel_version
  exec "$file" --bazelrc="$(online_bazelrc)" "$@"
}
