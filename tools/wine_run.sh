#!/usr/bin/env bash
# Runs a program for Windows: what `test` and `run` of --config=windows put
# before its name.
#
# All programs share one prefix, which the first makes within some 20 s;
# WINEPREFIX moves it.
set -euo pipefail

# Debian's Wine 10 dies of "free(): invalid pointer" where TMPDIR is set.
unset TMPDIR
export WINEDEBUG=${WINEDEBUG:--all}
# No dialogues about an installation of .NET or of a browser.
export WINEDLLOVERRIDES=${WINEDLLOVERRIDES:-mscoree,mshtml=}
export WINEPREFIX=${WINEPREFIX:-${XDG_CACHE_HOME:-$HOME/.cache}/multiproc/wine}
mkdir -p "$WINEPREFIX"
exec wine "$@"
