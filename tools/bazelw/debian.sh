# shellcheck shell=bash
# Way 3: Bazel and the compiler from Debian's packages, unpacked in a private
# root. Packages are fetched and checked by apt with settings of its own, and
# unpacked without running their scripts, so that no privilege is needed and
# nothing outside the cache folder changes.
#
#   $cache/debian/current-RECIPE -> RECIPE-VERSIONS
#   $cache/debian/RECIPE-VERSIONS/
#     apt/       the index that every package of this root was chosen from
#     list       the packages in the root, as name=version
#     root/      the unpacked packages; later ones are only ever added
#     tarballs/  the libraries' sources
#     bazel-*/   sources and settings for Bazel (sources.sh)
#     out/ disk/ Bazel's own folders
#
# Each step builds under a temporary name and renames it: whatever has its
# final name is whole.

readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Names what the root is made by; another recipe gets a root of its own.
debian_recipe() { short_hash <<<"1 ${debian_suites[*]} $base_packages $unneeded_packages $base_links"; }

debian_current() { echo "$cache/debian/current-$(debian_recipe)"; }

debian_is_made() { [[ -d $(debian_current)/root ]]; }

# Says what is missing for this way, or installs it where that is allowed.
need_debian_tools() {
  has dpkg-deb ||
    die "No usable bazel on PATH, no network to download one, and no apt-get here: install Bazel $(cat "$project/.bazelversion")."
  [[ -r $keyring ]] || install_on_host debian-archive-keyring
  has bwrap || install_on_host bubblewrap
  has flock || install_on_host util-linux
  need_namespaces
}

# A container or a strict kernel may forbid what bubblewrap does.
need_namespaces() {
  bwrap --dev-bind / / true ||
    die "bubblewrap may not make a mount namespace here (see above): allow user namespaces, give the container that right, or install Bazel $(cat "$project/.bazelversion")."
}

# Installs package $1 with apt if that needs no password.
install_on_host() {
  local as_root=()
  ((EUID == 0)) || as_root=(sudo --non-interactive)
  [[ ${#as_root[@]} == 0 ]] || "${as_root[@]}" true 2>/dev/null ||
    die "The package $1 is needed: run 'sudo apt-get install $1', then try again."
  say "installing $1 with apt-get"
  { "${as_root[@]}" apt-get -qq update && "${as_root[@]}" apt-get -qq -y install "$1"; } </dev/null >&2 ||
    die "apt-get could not install $1; install it by hand, then try again."
}

# Prints the address of the Debian mirror in this machine's own apt sources.
debian_mirror() {
  # shellcheck disable=SC2016  # apt itself fills these in
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk '$3 == "main" && $1 !~ /security/ &&
         $2 ~ /^(bullseye|bookworm|trixie|forky|oldoldstable|oldstable|stable|testing|unstable|sid)$/ {
           print $1; exit
         }'
}

# Writes settings for an apt that keeps to folder $1, for the suites in $2 $3.
# Of the machine's own settings it takes the Acquire ones: a proxy, say.
write_apt_settings() {
  local apt=$1 main_suite=$2 bazel_suite=${3:-} mirror
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || die "No Debian mirror is among this machine's apt sources; add one, or install Bazel by hand."
  mkdir -p "$apt"/{parts,lists/partial,cache/archives/partial}
  : >"$apt/status"
  write_apt_sources "$mirror" "$main_suite" "$bazel_suite" >"$apt/sources.list"
  [[ -z $bazel_suite ]] || write_apt_pins "$bazel_suite" >"$apt/preferences"
  { apt-config dump | grep '^Acquire::[^"]*"[^"]*";$' | grep -v '^Acquire::IndexTargets'; write_apt_conf "$apt"; } >"$apt/apt.conf"
}

write_apt_sources() {
  local mirror=$1 suite
  for suite in $2 $3; do
    echo "deb [signed-by=$keyring] $mirror $suite main"
  done
  echo "deb-src [signed-by=$keyring] $mirror $2 main"
}

# Only Bazel, and what the main suite has not at all, comes from suite $1.
write_apt_pins() {
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 90\n\n' "$1"
  printf 'Package: bazel-*\nPin: release n=%s\nPin-Priority: 990\n' "$1"
}

# A mirror's copy of a suite may be older than its date of validity allows;
# the signatures are checked all the same.
write_apt_conf() {
  cat <<EOF
Dir::Etc::main "$1/none";
Dir::Etc::parts "$1/parts";
Dir::Etc::sourcelist "$1/sources.list";
Dir::Etc::sourceparts "$1/parts";
Dir::Etc::preferences "$1/preferences";
Dir::Etc::preferencesparts "$1/parts";
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::GzipIndexes "false";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
EOF
}

# Runs command $2... of apt with the settings in $1/apt.
private_apt() {
  local generation=$1
  shift
  APT_CONFIG=$generation/apt/apt.conf "$@" </dev/null
}

# Prints name=version of the packages $2... and all that they depend on. The
# names of the files tell it soonest: 'ADDRESS' NAME_VERSION_SYSTEM.deb ...
resolve() {
  local generation=$1
  shift
  private_apt "$generation" apt-get install -qq -y --print-uris "$@" |
    awk -F "[' ]+" '/^\047/ { split($3, part, "_"); gsub(/%3a/, ":", part[2]); print part[1] "=" part[2] }' |
    grep -vE "${unneeded_packages%\$}=" | LC_ALL=C sort
  ((PIPESTATUS[0] == 0))
}

# Makes $1/apt and $1/list from the first of the suites that has it all.
choose_packages() {
  local generation=$1 suites
  for suites in "${debian_suites[@]}"; do
    rm -rf "$generation/apt"
    # shellcheck disable=SC2086  # two words
    write_apt_settings "$generation/apt" $suites
    say "fetching the package index of Debian ${suites/ / and }"
    private_apt "$generation" apt-get -qq update >&2 || continue
    # shellcheck disable=SC2086  # a list of words
    resolve "$generation" $base_packages >"$generation/list.tmp" || continue
    grep -q "^bazel-bootstrap=$bazel_major\." "$generation/list.tmp" || continue
    mv "$generation/list.tmp" "$generation/list"
    return
  done
  die "Debian's mirror could not be read, or has no Bazel $bazel_major now; install Bazel $(cat "$project/.bazelversion") by hand."
}

# Downloads the packages $2... (name=version) to a folder under $1 and unpacks
# them over the root in $ROOT. Run by xargs, several at a time.
fetch_and_unpack() {
  local folder package
  folder=$(mktemp -d "$1/debs.XXXXXX")
  (cd "$folder" && private_apt "$1" apt-get -qq download "${@:2}") || return 255
  for package in "$folder"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" |
      tar --extract --directory="$ROOT" --keep-directory-symlink --no-same-owner \
        --exclude=./usr/share/{doc,man,locale,info,lintian} || return 255
  done
  rm -rf "$folder"
}

# Makes folder $2 a root with the packages listed on standard input; $1 is the
# generation whose index they are in.
make_root() {
  local generation=$1 ROOT=$2 folder
  rm -rf "$ROOT" "$generation"/debs.*
  mkdir -p "$ROOT"/usr
  for folder in bin sbin lib lib64; do
    mkdir "$ROOT/usr/$folder" && ln -s "usr/$folder" "$ROOT/$folder"
  done
  export ROOT keyring
  export -f fetch_and_unpack private_apt
  # shellcheck disable=SC2016  # the inner shell expands it
  xargs -P "$(nproc)" -n 24 bash -c 'fetch_and_unpack "$0" "$@"' "$generation"
}

# Makes the links NAME:TARGET of $2 in the folder of programs of root $1.
link_programs() {
  local link
  for link in $2; do
    ln -sfn "${link#*:}" "$1/usr/bin/${link%%:*}"
  done
}

# Debian's own settings of Bazel ask for a debug log of every action, and name
# a JDK that isn't unpacked.
quiet_debian_bazel() {
  sed -i '/^build .*--\(host_javabase\|sandbox_debug\)/d' "$1/etc/bazel/bazelrc"
}

# Makes empty files where the sandbox will show those of the machine.
make_mount_points() {
  local file
  for file in "${host_files[@]}"; do
    mkdir -p "$(dirname "$1$file")" && : >>"$1$file"
  done
}

# Whether the source of each library is in $1/tarballs.
tarballs_are_there() {
  local package
  for package in $source_packages; do
    compgen -G "$1/tarballs/${package}_*.orig.tar.*" >/dev/null || return 1
  done
}

# Downloads the sources of the libraries to $1/tarballs, in place of what is
# there: of two versions of one nobody would know which to take.
fetch_tarballs() {
  local generation=$1 tmp=$1/tarballs.tmp
  say "fetching the sources of Abseil, GoogleTest, Benchmark, Protocol Buffers and stb"
  rm -rf "$tmp" && mkdir "$tmp"
  # shellcheck disable=SC2086  # a list of words
  (cd "$tmp" && private_apt "$generation" apt-get -qq source --download-only --tar-only $source_packages) >&2 || return 1
  rm -rf "$generation/tarballs" && mv "$tmp" "$generation/tarballs"
}

# Prints the version of package $2 in root generation $1.
version_of() { sed -n "s/^$2=//p" "$1/list"; }

# Does what is still to do for the generation in $1.
fill_generation() {
  local generation=$1
  [[ -e $generation/list ]] || choose_packages "$generation"
  tarballs_are_there "$generation" || fetch_tarballs "$generation" || return 1
  [[ -d $generation/root ]] && return
  say "fetching and unpacking $(wc -l <"$generation/list") packages: Bazel $(version_of "$generation" bazel-bootstrap), GCC $(version_of "$generation" g++), protoc $(version_of "$generation" protobuf-compiler)"
  make_root "$generation" "$generation/root.tmp" <"$generation/list" || return 1
  link_programs "$generation/root.tmp" "$base_links"
  make_mount_points "$generation/root.tmp"
  quiet_debian_bazel "$generation/root.tmp"
  mv "$generation/root.tmp" "$generation/root"
}

# Makes the root and names it by the versions in it, so that what one compiler
# built is never taken for another's.
make_generation() {
  local recipe making name
  recipe=$(debian_recipe)
  making=$cache/debian/making-$recipe
  mkdir -p "$making"
  if ! fill_generation "$making"; then
    # An index from an earlier day may name packages that are gone by now.
    say "starting anew with a fresh package index"
    rm -rf "$making" && mkdir "$making"
    fill_generation "$making" || die "Debian's packages could not be fetched; see above. Run bazelw again to go on."
  fi
  name=$recipe-$(short_hash <"$making/list")
  publish_generation "$making" "$cache/debian/$name"
  ln -sfn "$name" "$(debian_current).tmp" && mv -T "$(debian_current).tmp" "$(debian_current)"
}

# Renames $1 to $2. If there is a $2 it has the same packages; it may be in use,
# so it takes over only the newer index.
publish_generation() {
  if [[ -d $2 ]]; then
    rm -rf "$2/apt" && mv "$1/apt" "$2/apt" && rm -rf "$1"
  else
    mv "$1" "$2"
  fi
  sed -i "s|$1/|$2/|g" "$2/apt/apt.conf"
}

# Prints the configs among the arguments that need packages of their own.
wanted_extras() {
  local argument config
  for argument; do
    [[ $argument == -- ]] && return
    [[ $argument == --config=* ]] || continue
    config=$(packages_config "${argument#--config=}")
    extra_packages "$config" >/dev/null && echo "$config"
  done
  return 0
}

extra_is_made() { [[ -e $1/extra-$2 ]]; }

# Adds the packages of config $2 to the root of generation $1. A Bazel server
# may be using the root: files are only added, none is changed.
add_extra() {
  local generation=$1 extra=$2 tmp=$1/root-$2.tmp
  # shellcheck disable=SC2046,SC2086  # lists of words
  resolve "$generation" $base_packages $(extra_packages "$extra") >"$generation/list-$extra.tmp" || return 1
  # Only what is not in the root; a version that differs would mean a new root.
  LC_ALL=C comm -13 "$generation/list" "$generation/list-$extra.tmp" >"$generation/new-$extra.tmp"
  say "fetching and unpacking $(wc -l <"$generation/new-$extra.tmp") packages for --config=$extra"
  make_root "$generation" "$tmp" <"$generation/new-$extra.tmp" || return 1
  link_programs "$tmp" "$(extra_links "$extra")"
  finish_extra "$extra" "$tmp"
  rm "$tmp"/{bin,sbin,lib,lib64}
  # --force only for what an interrupted run had added already.
  cp --archive --link --force "$tmp/." "$generation/root/" && rm -rf "$tmp" || return 1
  mv "$generation/list-$extra.tmp" "$generation/extra-$extra"
}

# Makes all that the arguments need, once, under the lock. Sets $generation.
set_up_debian() {
  local extra
  need_debian_tools
  take_lock
  debian_is_made || make_generation
  generation=$(readlink -f "$(debian_current)")
  for extra in $(wanted_extras "$@"); do
    extra_is_made "$generation" "$extra" || add_extra "$generation" "$extra" || renew_for_extra "$extra"
  done
  # A root that was made for an earlier commit may lack some.
  tarballs_are_there "$generation" || fetch_tarballs "$generation" ||
    die "The libraries' sources could not be fetched; see above. Run bazelw again to go on."
  bazel_settings_are_made "$generation" || make_bazel_settings "$generation"
  release_lock
}

# The index is too old for an extra: makes a new root beside the old one.
renew_for_extra() {
  say "the package index is out of date; making a new root"
  make_generation
  generation=$(readlink -f "$(debian_current)")
  add_extra "$generation" "$1" || die "The packages for --config=$1 could not be fetched; see above."
}

# Whether nothing is left to set up for the arguments. Sets $generation.
debian_is_ready() {
  local extra
  debian_is_made && has bwrap || return 1
  generation=$(readlink -f "$(debian_current)")
  for extra in $(wanted_extras "$@"); do
    extra_is_made "$generation" "$extra" || return 1
  done
  bazel_settings_are_made "$generation"
}

run_debian() {
  local generation
  open_cache
  debian_is_ready "$@" || set_up_debian "$@"
  run_in_root "$generation" "$@"
}
