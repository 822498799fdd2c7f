#!/usr/bin/env bash
# The policy for both household tasks: policies/household. About 100 minutes of two quiet cores. Every line is done once:
# run it again after an interruption, and it goes on.
#
#   runs/household.sh                               # from nothing, into out/household
#   runs/household.sh --from policies/household     # goes on from a policy: its weights take the place of training 1
#   runs/household.sh --scale 0.2 --work out/small  # a fifth of the data and of the updates
#
# Four times: make data with the policy so far, train on all data. What a round adds are corrections (docs/household-policy.md).
set -euo pipefail
cd "$(dirname "$0")/.."
WORK=out/household
from=""
scale=1
while [ $# -gt 0 ]; do
  case "$1" in
    --from) from=$2 ;;
    --scale) scale=$2 ;;
    --work) WORK=$2 ;;
    *) echo "runs/household.sh: no option $1 (expected --from CHECKPOINT, --scale NUMBER, --work DIR)" >&2; exit 2 ;;
  esac
  shift 2
done
VALET=(${VALET:-node dist/valet.js})
TASKS=turning_on_radio,picking_up_trash
. runs/steps.sh

# n NUMBER : a number of episodes or updates at this scale
n() { awk -v number="$1" -v scale="$scale" 'BEGIN { n = int(number * scale + 0.5); print n < 1 ? 1 : n }'; }
radio() { demos "$1" --tasks turning_on_radio --episodes "$(n "$2")" "${@:3}"; }
trash() { demos "$1" --tasks picking_up_trash --episodes "$(n "$2")" "${@:3}"; }
# data NAME:SHARE... : the data sets of this recipe, with their shares of every batch
data() { local one; for one in "$@"; do printf '%s\n' "$WORK/$one"; done; }

radio radio1 800 --clip 2.2 --seed 1
trash trash1 1600 --clip 2.6 --seed 1
if [ -z "$from" ]; then
  once stats "${VALET[@]}" stats "$WORK/radio1" "$WORK/trash1" --out "$WORK/stats" --min-std 0.01
  train r1 --data $(data radio1:0.3 trash1:0.7) --stats "$WORK/stats/norm_stats.json" --seed 1 \
    --steps "$(n 1200)" --checkpoint-every "$(n 400)" \
    --set frameStride=3 model.auxiliary.chunk.weight=1 schedule.warmupSteps="$(n 200)" schedule.decaySteps="$(n 3600)"
  from=$WORK/r1/checkpoints/latest
fi

radio radioC1 280 --clip 1.7 --seed 11 --correct "$from"
trash trashC1 1500 --clip 1.7 --seed 11 --correct "$from"
train r2 --data $(data radio1:0.12 radioC1:0.18 trash1:0.3 trashC1:0.4) --init "$from" --seed 2 \
  --steps "$(n 800)" --checkpoint-every "$(n 400)" \
  --set frameStride=3 schedule.peak=0.0009 schedule.warmupSteps="$(n 60)" schedule.finalShare=0.25 schedule.decaySteps="$(n 1900)"

radio radioC2 120 --clip 1.7 --seed 12 --correct "$WORK/r2/checkpoints/latest"
trash trashC2 1900 --clip 1.7 --seed 12 --correct "$WORK/r2/checkpoints/latest"
train r3 --data $(data radio1:0.07 radioC1:0.09 radioC2:0.09 trash1:0.2 trashC1:0.2 trashC2:0.35) \
  --init "$WORK/r2/checkpoints/latest" --seed 3 --steps "$(n 1500)" --checkpoint-every "$(n 500)" \
  --set frameStride=3 schedule.peak=0.0009 schedule.warmupSteps="$(n 60)" schedule.finalShare=0.2

trash trashC3 1500 --clip 1.7 --seed 13 --correct "$WORK/r3/checkpoints/latest"
train r4 --data $(data radio1:0.06 radioC1:0.07 radioC2:0.07 trash1:0.18 trashC1:0.12 trashC2:0.2 trashC3:0.3) \
  --init "$WORK/r3/checkpoints/latest" --seed 4 --steps "$(n 1000)" --checkpoint-every "$(n 500)" \
  --set frameStride=4 schedule.peak=0.0008 schedule.warmupSteps="$(n 40)" schedule.finalShare=0.03 optimizer.emaDecay=0.998

# Which checkpoint: by episodes on train instances that no data set holds. Only then the public ones, once.
best chosen r3 r4
evaluate result "$(cat "$WORK/chosen")" --tasks "$TASKS" --instances public --episodes 50 --seeds 0-4
say "q $(q "$WORK/result") on 50 public instances of each task, 5 seeds; the policy: $(cat "$WORK/chosen")"
