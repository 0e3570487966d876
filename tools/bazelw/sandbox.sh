# shellcheck shell=bash
# Runs Bazel inside the private root, by bubblewrap.

# Files of the machine that are shown instead of the root's.
readonly host_files=(/etc/passwd /etc/group /etc/hosts /etc/resolv.conf /etc/hostname /etc/localtime)

# Sets $mounts to bubblewrap's options. The programs and libraries are the
# root's; every other folder of the machine is there, at its own place.
choose_mounts() {
  local root=$1/root folder
  mounts=(--dev-bind /dev /dev --bind /proc /proc --ro-bind /sys /sys --tmpfs /run
    --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc)
  for folder in bin sbin lib lib64; do
    mounts+=(--symlink "usr/$folder" "/$folder")
  done
  for folder in "${host_files[@]}"; do
    mounts+=(--ro-bind-try "$folder" "$folder")
  done
  for folder in /*; do
    mount_host_folder "$folder"
  done
}

mount_host_folder() {
  case $1 in
    /usr | /etc | /bin | /sbin | /lib* | /dev | /proc | /sys | /run | /boot | /lost+found) ;;
    *)
      if [[ -L $1 ]]; then
        mounts+=(--symlink "$(readlink "$1")" "$1")
      elif [[ -d $1 && -x $1 ]]; then
        mounts+=(--bind "$1" "$1")
      fi
      ;;
  esac
}

# Becomes Bazel. What the caller set for another compiler or loader stays out.
# bwrap must not die of Ctrl-C before Bazel has answered it, so it ignores the
# signal, and env restores it for Bazel and all that Bazel starts.
run_in_root() {
  local generation=$1 mounts
  shift
  choose_mounts "$generation"
  unset CC CXX CFLAGS CXXFLAGS LDFLAGS LD_LIBRARY_PATH LD_PRELOAD JAVA_HOME BAZEL_COMPILER
  export PATH=/usr/bin:/bin LC_ALL=C.UTF-8
  # For --config=windows; a prefix belongs to the version of Wine that made it.
  export MULTIPROC_WINE_PREFIX=${MULTIPROC_WINE_PREFIX:-$generation/wine}
  trap '' INT
  exec bwrap "${mounts[@]}" --die-with-parent --chdir "$PWD" \
    env --default-signal=INT bazel \
    --server_javabase=/usr/lib/jvm/default-java \
    --output_user_root="$generation/out" \
    --bazelrc="$(bazel_settings "$generation")/bazelrc" \
    "$@"
}
