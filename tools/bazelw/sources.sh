# shellcheck shell=bash
# The libraries' sources and the settings by which Bazel takes them, and the
# rule sets of Debian's packages, instead of downloading anything.

readonly overlay=$project/third_party/protobuf/overlay
readonly stb_overlay=$project/third_party/stb/overlay

# Names the settings by what makes them; two clones may differ.
settings_recipe() {
  { cat "$project/tools/bazelw/sources.sh" "$overlay"/* "$stb_overlay"/*; dev_version google_benchmark; dev_version stb; } |
    short_hash
}

bazel_settings() { echo "$1/bazel-$(settings_recipe)"; }

bazel_settings_are_made() { [[ -d $(bazel_settings "$1") ]]; }

# Unpacks the tarball of Debian's source package $3 of generation $1 as $2/$4.
unpack_source() {
  mkdir -p "$2/$4"
  tar --extract --file="$(echo "$1/tarballs/$3"_*.orig.tar.*)" --directory="$2/$4" --strip-components=1
}

# Lays the project's build file over stb in folder $1.
overlay_stb() { cp "$stb_overlay/stb.BUILD" "$1/BUILD.bazel"; }

# Lays the project's build files over Protocol Buffers in folder $1, set to use
# the protoc of Debian's package, which is of the very same version.
overlay_protobuf() {
  [[ -e $1/src/google/protobuf/arenaz_sampler.cc ]] ||
    die "Debian's Protocol Buffers are no longer of the 3.21 line; this project's build files don't fit them."
  mkdir -p "$1/bazel"
  cp "$overlay/protobuf.BUILD" "$1/BUILD.bazel"
  cp "$overlay/protobuf.MODULE" "$1/MODULE.bazel"
  cp "$overlay/protoc_cpp_main.cc.txt" "$1/protoc_cpp_main.cc"
  cp "$overlay/bazel.BUILD" "$1/bazel/BUILD.bazel"
  cp "$overlay/proto_library.bzl.txt" "$1/bazel/proto_library.bzl"
  cp "$overlay/cc_proto_library.bzl.txt" "$1/bazel/cc_proto_library.bzl"
  echo 'PROTOC = ":protoc_of_system"' >"$1/protoc.bzl"
}

# Abseil compiles each of its headers on its own, too: a check of Abseil that
# its users need not wait for.
skip_header_checks() {
  find "$1" -name 'BUILD*' -exec sed -i '/^ *"parse_headers",$/d' {} +
}

# Copies Debian's rules_cc to $2, with a setting that Abseil asks for.
copy_rules_cc() {
  cp -rL "$1/root/usr/share/bazel/rules/cc" "$2"
  grep -q '"emscripten"' "$2/cc/compiler/BUILD" || cat >>"$2/cc/compiler/BUILD" <<'EOF'

config_setting(
    name = "emscripten",
    flag_values = {"@bazel_tools//tools/cpp:compiler": "emscripten"},
)
EOF
}

# Modules that others name and nothing here uses: empty ones do.
readonly empty_modules="buildozer zlib apple_support re2"

make_empty_modules() {
  local module
  for module in $empty_modules; do
    mkdir -p "$1/$module"
    : >"$1/$module/BUILD.bazel"
    echo "module(name = \"$module\", version = \"999\")" >"$1/$module/MODULE.bazel"
  done
  # Loaded by the rules for Go, which are named but not used.
  cat >"$1/buildozer/buildozer_binary.bzl" <<'EOF'
def _empty_impl(repository_ctx):
    repository_ctx.file("BUILD", "")

_empty = repository_rule(implementation = _empty_impl)

buildozer_binary = module_extension(implementation = lambda _: _empty(name = "buildozer_binary"))
EOF
}

# Prints MODULE=FOLDER for all that Bazel must not download; $1 is the folder
# of the settings.
overrides() {
  local module
  for module in abseil-cpp googletest protobuf; do
    echo "$module=$1/$module"
  done
  for module in $empty_modules; do
    echo "$module=$1/empty/$module"
  done
  echo "rules_cc=$1/rules_cc"
  for module in java license proto python; do
    echo "rules_$module=/usr/share/bazel/rules/$module"
  done
  echo "platforms=/usr/share/bazel/tools/platforms"
  echo "bazel_skylib=/usr/share/bazel/tools/skylib"
  echo "bazel_features=/usr/share/bazel/tools/features"
}

# Makes $1/registry, which has the dev_dependencies alone: consumers don't have
# them, and Bazel refuses to override what isn't there.
make_registry() {
  local module version entry
  for module in google_benchmark stb; do
    version=$(dev_version "$module")
    entry=$1/registry/modules/$module/$version
    mkdir -p "$entry"
    echo "module(name = \"$module\", version = \"$version\")
bazel_dep(name = \"bazel_skylib\", version = \"1.0\")
bazel_dep(name = \"platforms\", version = \"0.0.10\")
bazel_dep(name = \"rules_cc\", version = \"0.0.9\")" >"$entry/MODULE.bazel"
    echo "{\"type\": \"local_path\", \"path\": \"$2/$module\"}" >"$entry/source.json"
    cp "$entry/MODULE.bazel" "$1/$module/MODULE.bazel"
  done
  echo '{}' >"$1/registry/bazel_registry.json"
}

# Prints the version of the dev_dependency $1 that MODULE.bazel asks for.
dev_version() {
  tr -d '\n' <"$project/MODULE.bazel" |
    sed -n 's/.*name = "'"$1"'", *version = "\([^"]*\)".*/\1/p'
}

# Prints the bazelrc for settings folder $2 of generation $1.
print_bazelrc() {
  local override
  for override in $(overrides "$2"); do
    echo "common --override_module=$override --override_repository=$override"
  done
  # Not modules: only for workspaces without modules.
  echo "common --override_repository=google_benchmark=$2/google_benchmark"
  echo "common --override_repository=stb=$2/stb"
  echo "common --registry=file://$2/registry --lockfile_mode=off"
  echo "common --disk_cache=$1/disk --experimental_disk_cache_gc_max_size=10G --repository_cache="
  # Sandboxed actions have a /tmp of their own.
  [[ $2 != /tmp/* ]] || echo "common --sandbox_add_mount_pair=$2"
}

make_bazel_settings() {
  local generation=$1 settings tmp
  settings=$(bazel_settings "$generation")
  tmp=$settings.tmp
  say "unpacking the sources and writing Bazel's settings"
  rm -rf "$tmp" && mkdir -p "$tmp"
  unpack_source "$generation" "$tmp" abseil abseil-cpp
  skip_header_checks "$tmp/abseil-cpp"
  unpack_source "$generation" "$tmp" googletest googletest
  unpack_source "$generation" "$tmp" benchmark google_benchmark
  unpack_source "$generation" "$tmp" protobuf protobuf
  overlay_protobuf "$tmp/protobuf"
  unpack_source "$generation" "$tmp" libstb stb
  overlay_stb "$tmp/stb"
  copy_rules_cc "$generation" "$tmp/rules_cc"
  make_empty_modules "$tmp/empty"
  make_registry "$tmp" "$settings"
  print_bazelrc "$generation" "$settings" >"$tmp/bazelrc"
  mv "$tmp" "$settings"
}
