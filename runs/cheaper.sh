#!/usr/bin/env bash
# What makes training cheaper: runs of equal time that differ in one setting, each from the same data and the same first
# weights, played on the same train instances. Prints a table. Run it again after an interruption, and it goes on.
#
#   runs/cheaper.sh                             # ten runs of 15 minutes on two tasks: three hours of two quiet cores
#   runs/cheaper.sh --arms as-it-is,batch-32    # these runs alone
#   runs/cheaper.sh --minutes 0.2 --scale 0.02  # a look at whether it works
set -euo pipefail
cd "$(dirname "$0")/.."
. runs/steps.sh
WORK=out/cheaper
TASKS=turning_on_radio,picking_up_trash
minutes=15
scale=1
# A run's name, the share of corrections in a batch, and what it sets otherwise.
ARMS="
as-it-is         0.6
batch-32         0.6  batch=32
batch-128        0.6  batch=128
rate-half        0.6  schedule.peak=0.00045
rate-double      0.6  schedule.peak=0.0018
flow-samples-1   0.6  model.flowSamples=1
flow-samples-6   0.6  model.flowSamples=6
stride-6         0.6  frameStride=6
corrections-0.3  0.3
corrections-0.9  0.9
"
arms=$(awk 'NF { print $1 }' <<<"$ARMS" | paste -sd,)
options "minutes=NUMBER scale=NUMBER arms=LIST work=DIR" "$@"

for task in turning_on_radio:400 picking_up_trash:900; do
  demos "${task%:*}-demos" --tasks "${task%:*}" --episodes "$(n "${task#*:}")" --clip 2.6 --pictures-every 3 --seed 61
done
shares() { echo "$WORK/turning_on_radio-$1:$(awk -v s="$2" 'BEGIN { print s / 4 }') $WORK/picking_up_trash-$1:$(awk -v s="$2" 'BEGIN { print s * 3 / 4 }')"; }
once stats "${VALET[@]}" stats "$WORK/turning_on_radio-demos" "$WORK/picking_up_trash-demos" --out "$WORK/stats"
common=(noiseScale=0.5 session.executeActions=13 session.executeSteps=10 session.historyLength=6 session.votes=4)
train first --data $(shares demos 1) --stats "$WORK/stats/norm_stats.json" --seed 61 --steps "$(n 800)" \
  --set "${common[@]}" frameStride=3 model.auxiliary.chunk.weight=1 schedule.warmupSteps="$(n 100)" schedule.decaySteps="$(n 4000)"
for task in turning_on_radio:300 picking_up_trash:1500; do
  demos "${task%:*}-corrections" --tasks "${task%:*}" --episodes "$(n "${task#*:}")" --clip 1.7 --pictures-every 3 --seed 62 \
    --correct "$WORK/first/checkpoints/latest" --late 0.5
done

# second RUN : of an update, as the folder's last lines tell: samples of a batch over samples a second
second() {
  node -e '
    const { readFileSync } = require("fs");
    const lines = readFileSync(`${process.argv[1]}/metrics.jsonl`, "utf8").trim().split("\n").map(JSON.parse).slice(1);
    const rates = lines.map(({ samplesPerSecond }) => samplesPerSecond).sort((a, b) => a - b);
    console.log(Number(process.argv[2]) / rates[rates.length >> 1]);
  ' "$WORK/$1" "$2"
}

# arm NAME SHARE SETTINGS... : as many updates as its time allows, and its episodes
arm() {
  local name=$1 share=$2 batch=64 steps setting arguments
  for setting in "${@:3}"; do if [ "${setting%=*}" = batch ]; then batch=${setting#*=}; fi; done
  arguments=(--data $(shares demos "$(awk -v s="$share" 'BEGIN { print 1 - s }')") $(shares corrections "$share")
    --init "$WORK/first/checkpoints/latest" --seed 62
    --set frameStride=3 schedule.peak=0.0009 schedule.finalShare=0.03 optimizer.emaDecay=0.998 validation.share=0)
  train "pace/$name" "${arguments[@]}" logEvery=5 schedule.warmupSteps=1 "${@:3}" --steps 60
  steps=$(awk -v minutes="$minutes" -v second="$(second "pace/$name" "$batch")" 'BEGIN { print int(60 * minutes / second) + 5 }')
  train "arms/$name" "${arguments[@]}" "schedule.warmupSteps=$((steps / 40 + 1))" "${@:3}" --steps "$steps"
  evaluate "results/$name" "$WORK/arms/$name/checkpoints/latest" --tasks "$TASKS" --instances train --episodes "$(n 20)" --seeds 0-4
  say "$name: $steps updates, q $(q "$WORK/results/$name")"
}
mkdir -p "$WORK/pace" "$WORK/arms" "$WORK/results"
while read -r name share settings; do
  if [[ ",$arms," = *,$name,* ]]; then arm "$name" "$share" $settings </dev/null; fi
done < <(awk 'NF' <<<"$ARMS")

# The table: what each differed in, its updates, and q of both tasks with its 95 % interval.
echo "| run | sets | updates | q |"
echo "|---|---|---|---|"
while read -r name share settings; do
  if [ -e "$WORK/done/results/$name" ]; then
    "${VALET[@]}" report "$WORK/results/$name" --format csv --json | node -e '
      const [name, sets, metrics] = process.argv.slice(1);
      const fs = require("fs");
      const { mean, low, high } = JSON.parse(fs.readFileSync(0, "utf8")).q;
      const { step } = JSON.parse(fs.readFileSync(metrics, "utf8").trim().split("\n").at(-1));
      console.log(`| ${name} | ${sets} | ${step} | ${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}] |`);
    ' "$name" "corrections $share $settings" "$WORK/arms/$name/metrics.jsonl"
  fi
done < <(awk 'NF' <<<"$ARMS")
