#!/usr/bin/env bash
# Runs a program for Windows: what `test` and `run` of --config=windows put
# before its name.
#
#   tools/wine_run.sh PROGRAM.exe ARGUMENT...
#
# Wine's prefix (its C: drive and its registry) is made by the first call, in
# some 10 s; MULTIPROC_WINE_PREFIX moves it. A test gets a copy of its own, of
# links: Bazel ends all that a test has started, and so would end the server that
# Wine has for each prefix, which other tests may be using.
set -euo pipefail

# Debian's Wine 10 dies of "free(): invalid pointer" where TMPDIR is set.
unset TMPDIR
export WINEDEBUG=${WINEDEBUG:--all}
# No dialogues about an installation of .NET or of a browser.
export WINEDLLOVERRIDES=${WINEDLLOVERRIDES:-mscoree,mshtml=}
# Not the user's own, which this would change.
export WINEPREFIX=${MULTIPROC_WINE_PREFIX:-${XDG_CACHE_HOME:-$HOME/.cache}/multiproc/wine}

# Makes the prefix unless it is there. Under a lock, which the servers that Wine
# starts must not inherit: two at once can spoil it. The server writes the
# registry when it ends.
make_prefix() {
  mkdir -p "$WINEPREFIX"
  (
    flock 9
    [[ -e $WINEPREFIX/is_made ]] && exit
    # Where there is no Wine for 32 bits, it complains at its end of just that.
    wine wineboot --init </dev/null >/dev/null 2>"$WINEPREFIX/log" 9>&- || true
    # No windows, and so no complaints about a missing screen.
    wine reg add 'HKCU\Software\Wine\Drivers' /v Graphics /d null /f \
      </dev/null >/dev/null 2>>"$WINEPREFIX/log" 9>&- || true
    wineserver --wait </dev/null >/dev/null 2>&1 9>&-
    [[ -s $WINEPREFIX/system.reg ]] || { cat "$WINEPREFIX/log" >&2; exit 1; }
    : >"$WINEPREFIX/is_made"
  ) 9>"$WINEPREFIX/lock"
}

# Copies the prefix to folder $1: by links where that can be.
copy_prefix() {
  rm -rf "$1"
  cp --archive --link -T "$WINEPREFIX" "$1" 2>/dev/null && return
  rm -rf "$1"
  cp --archive -T "$WINEPREFIX" "$1"
}

[[ -e $WINEPREFIX/is_made ]] || make_prefix
if [[ -n ${TEST_TMPDIR:-} ]]; then
  copy_prefix "$TEST_TMPDIR/wine"
  export WINEPREFIX=$TEST_TMPDIR/wine
fi
exec wine "$@"
