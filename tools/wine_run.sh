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

# Whether there is a prefix, whose registry is in good order.
is_made() {
  [[ -e $WINEPREFIX/is_made && -s $WINEPREFIX/system.reg && -s $WINEPREFIX/user.reg ]]
}

# Makes the prefix unless it is there. Under a lock, which the servers that Wine
# starts must not inherit: two at once can spoil it. The server writes the
# registry when it ends.
make_prefix() {
  mkdir -p "$WINEPREFIX"
  (
    flock 9
    is_made && exit
    # With its time stamp, lest Wine take it for up to date.
    rm -f "$WINEPREFIX"/{is_made,.update-timestamp,*.reg}
    # Where there is no Wine for 32 bits, it complains at its end of just that.
    wine wineboot --init </dev/null >/dev/null 2>"$WINEPREFIX/log" 9>&- || true
    # No windows, and so no complaints about a missing screen.
    wine reg add 'HKCU\Software\Wine\Drivers' /v Graphics /d null /f \
      </dev/null >/dev/null 2>>"$WINEPREFIX/log" 9>&- || true
    wineserver --wait </dev/null >/dev/null 2>&1 9>&-
    : >"$WINEPREFIX/is_made"
    is_made || { rm "$WINEPREFIX/is_made"; cat "$WINEPREFIX/log" >&2; exit 1; }
  ) 9>"$WINEPREFIX/lock"
}

# Copies the prefix to folder $1: by links where that can be. Not its registry:
# a file of several links is truncated and written in place by Wine's server
# (others are replaced), so that each test would write that of all, and one that
# is ended meanwhile would leave it empty.
copy_prefix() {
  rm -rf "$1"
  if cp --archive --link -T "$WINEPREFIX" "$1" 2>/dev/null; then
    cp --archive --remove-destination "$WINEPREFIX"/*.reg "$1"
    return
  fi
  rm -rf "$1"
  cp --archive -T "$WINEPREFIX" "$1"
}

is_made || make_prefix
if [[ -n ${TEST_TMPDIR:-} ]]; then
  copy_prefix "$TEST_TMPDIR/wine"
  export WINEPREFIX=$TEST_TMPDIR/wine
fi
exec wine "$@"
