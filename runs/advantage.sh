#!/usr/bin/env bash
# What advantage weights gain: from one policy, three trainings with equal numbers of windows and updates. Each has the
# same demonstrations for half of every batch; the other half are corrections by the expert, the policy's own rollouts, or
# the same rollouts weighted by their advantage. Run it again after an interruption, and it goes on.
#
#   runs/advantage.sh                                    # two tasks, 50 train instances each, 300 updates, 3 seeds
#   runs/advantage.sh --scale 0.1 --seeds 1              # a tenth of the episodes and of the updates, one seed
#   runs/advantage.sh --from policies/household --tasks turning_on_radio --work out/advantage-radio
set -euo pipefail
cd "$(dirname "$0")/.."
. runs/steps.sh
WORK=out/advantage
from=policies/household
scale=1
seeds=3
TASKS=turning_on_radio,picking_up_trash
options "from=CHECKPOINT tasks=LIST scale=NUMBER seeds=NUMBER work=DIR" "$@"
STRIDE=3
HORIZON=30

# windows DATA : training samples of a data set, of each task one line: task number, windows
windows() {
  node -e '
    const { readFileSync } = require("fs");
    const [folder, stride, horizon] = process.argv.slice(1);
    const found = new Map();
    for (const line of readFileSync(`${folder}/meta/episodes.jsonl`, "utf8").trim().split("\n").map(JSON.parse)) {
      const task = Math.floor(line.episode_index / 1e6);
      const own = line.length < horizon ? 0 : Math.floor((line.length - horizon) / stride) + 1;
      found.set(task, (found.get(task) ?? 0) + own);
    }
    for (const [task, count] of found) console.log(task, count);
  ' "$1" "$STRIDE" "$HORIZON"
}

record() {
  local resume=()
  if [ -e "$WORK/played/run.json" ]; then resume=(--resume); fi
  "${VALET[@]}" eval --policy "$from" --tasks "$TASKS" --instances train --episodes "$(n 50)" --out "$WORK/played" \
    --record-data "$WORK/rollouts" --quiet --no-record --no-report "${resume[@]}"
}
once rollouts record

# As many windows of corrections as there are of rollouts: a clip of 1.7 s has 51 frames, so 8 windows.
clips=$(windows "$WORK/rollouts" | awk '{ sum += $2; tasks++ } END { n = int(sum / tasks / 8 + 0.5); print n < 1 ? 1 : n }')
demos demos --tasks "$TASKS" --episodes "$(n 400)" --clip 2.2 --seed 51
demos corrections --tasks "$TASKS" --episodes "$clips" --clip 1.7 --seed 51 --correct "$from"

# arm NAME DATA SEED SETTINGS... : one training and its episodes, on train instances that no data set holds
arm() {
  local name=$1-$3 instances
  train "$name" --data "$WORK/demos:0.5" "$WORK/$2:0.5" --init "$from" --steps "$(n 300)" --seed "$3" \
    --set frameStride=$STRIDE schedule.peak=0.0003 schedule.warmupSteps="$(n 30)" schedule.finalShare=0.1 validation.share=0 "${@:4}"
  instances=1900000-$((1900000 + $(n 50) - 1))
  evaluate "$name-result" "$WORK/$name/checkpoints/latest" --tasks "$TASKS" --instances "$instances" --seed "$3"
  say "$name: q $(q "$WORK/$name-result")"
}
for seed in $(seq 1 "$seeds"); do
  arm corrections corrections "$seed"
  arm plain rollouts "$seed"
  arm weighted rollouts "$seed" advantage.baseline=stage
done
evaluate before-result "$from" --tasks "$TASKS" --instances 1900000-$((1900000 + $(n 50) - 1)) --seed 1
say "before: q $(q "$WORK/before-result")"
for other in corrections plain; do
  "${VALET[@]}" compare "$WORK/$other-1-result" "$WORK/weighted-1-result"
done
