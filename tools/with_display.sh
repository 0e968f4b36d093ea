#!/usr/bin/env bash
# Run a command on the display there is, or else on a virtual one that lives as long as the command.
set -euo pipefail

if [[ -n ${DISPLAY:-} || $(uname -s) != Linux ]]; then
    exec "$@"
fi

folder=$(mktemp -d)
mkfifo "$folder/number"
# A session of its own: Ctrl-C is for the command, which needs its display to stop in good order.
setsid Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp -noreset +extension GLX \
    3>"$folder/number" >/dev/null 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
if ! read -r -t 20 number <"$folder/number"; then
    echo "with_display: Xvfb did not start" >&2
    exit 4
fi

trap : INT TERM # wait for the command to finish its own stop
status=0
# One thread to draw: the other core belongs to the cuff.
DISPLAY=":$number" LP_NUM_THREADS=1 "$@" || status=$?
exit "$status"
