#!/usr/bin/env bash
# A policy for turning_on_radio from nothing: README's way by hand, line by line. Say a seed to make another one.
#
#   runs/radio.sh [SEED]     # makes out/radio-SEED; run it again after an interruption
set -euo pipefail
cd "$(dirname "$0")/.."
. runs/steps.sh
seed=${1:-0}
WORK=${WORK:-out/radio-$seed}
TASKS=turning_on_radio

demos demos --tasks turning_on_radio --episodes 400 --clip 2.2 --seed "1$seed"
once stats "${VALET[@]}" stats "$WORK/demos" --out "$WORK/stats"
train run --data "$WORK/demos" --stats "$WORK/stats/norm_stats.json" --steps 400 --seed "$seed" \
  --set frameStride=3 model.auxiliary.chunk.weight=1 schedule.warmupSteps=50
demos corrections --tasks turning_on_radio --episodes 200 --clip 1.7 --seed "1$seed" --correct "$WORK/run/checkpoints/latest"
train run2 --data "$WORK/demos:0.4" "$WORK/corrections:0.6" --init "$WORK/run/checkpoints/latest" --steps 200 --seed "$seed" \
  --set frameStride=3 schedule.warmupSteps=30
evaluate result "$WORK/run2/checkpoints/latest" --tasks turning_on_radio --instances public --episodes 50 --seed "$seed"
say "q $(q "$WORK/result") on 50 public instances"
