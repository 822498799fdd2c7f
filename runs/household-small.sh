#!/usr/bin/env bash
# All of runs/household.sh with a thirtieth of its data, updates and episodes: whether the recipe works, not a policy to use.
#
#   runs/household-small.sh     # makes out/household-small; run it again after an interruption
set -euo pipefail
exec bash "$(dirname "$0")/household.sh" --scale 0.033 --work "${WORK:-out/household-small}" "$@"
