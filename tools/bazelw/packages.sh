# shellcheck shell=bash
# Which packages of Debian make the private root.

# Where they come from: the stable release, which stays as it is for years, and
# Bazel alone from the next one (stable's is too old). Failing that, unstable.
readonly debian_suites=("trixie forky" "sid")

# Bazel, the compiler, protoc, and what Bazel's own scripts call. Only what is
# named here and what it depends on is brought in: not the essential packages.
readonly base_packages="bazel-bootstrap g++ protobuf-compiler bash coreutils dash
  debianutils diffutils findutils grep gzip hostname libc-bin mawk procps sed tar"

# A dependency of Bazel's that only builds of Java need: 80 MB.
readonly unneeded_packages='^openjdk-[0-9]+-jdk-headless$'

# Debian's source packages of the libraries.
readonly source_packages="abseil googletest benchmark protobuf libstb"

# Links that the packages' own scripts would make: those are never run.
readonly base_links="cc:gcc c++:g++ awk:mawk which:which.debianutils
  java:../lib/jvm/default-java/bin/java"

# What a --config of .bazelrc needs beyond the base, brought in when the config
# is first used. Prints the packages for config $1; fails for any other config.
extra_packages() {
  case $1 in
    # The run-time libraries of the sanitizers, and libFuzzer's, go with Debian
    # 13's Clang, 19.
    clang) echo "clang libclang-rt-19-dev lld llvm" ;;
    windows) echo "g++-mingw-w64-x86-64-posix wine wine64" ;;
    # With a font: a page without letters is none.
    browser) echo "chromium-headless-shell fontconfig-config fonts-dejavu-core" ;;
    *) return 1 ;;
  esac
}

# Prints the config whose packages config $1 needs: mostly itself.
packages_config() {
  case $1 in
    fuzz | coverage) echo clang ;;
    *) echo "$1" ;;
  esac
}

# Prints the links that config $1's packages would make, as in base_links.
extra_links() {
  case $1 in
    windows) echo "wine:wine-stable wineserver:wineserver-stable" ;;
    *) echo "" ;;
  esac
}

# Does in root $2 what else the scripts of config $1's packages would do.
finish_extra() {
  case $1 in
    windows) mark_wine_zlib "$2" ;;
  esac
}

# Wine takes a library beside its own only if byte 64 says that it is Wine's.
mark_wine_zlib() {
  local zlib=$1/usr/x86_64-w64-mingw32/lib/zlib1.dll
  { head -c 64 "$zlib"; printf 'Wine builtin DLL'; head -c 16 /dev/zero; tail -c +97 "$zlib"; } \
    >"$1/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/zlib1.dll"
}
