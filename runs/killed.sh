#!/usr/bin/env bash
# One training twice: left alone, and killed without a word (kill -9) again and again. Both must end with the same bytes.
#
#   runs/killed.sh                              # two tasks, 4,000 updates, 4 kills: three quarters of an hour of two quiet cores
#   runs/killed.sh --steps 60 --windows 40      # a look at whether it works
#   runs/killed.sh --kills 10 --seed 7          # when it is killed is drawn by the seed
#
# Both run at the same time, on one thread each. Makes out/killed, with curves.html of both runs. Run it again after an
# interruption.
set -euo pipefail
cd "$(dirname "$0")/.."
. runs/steps.sh
WORK=out/killed
steps=4000
kills=4
windows=800
seed=0
options "steps=N kills=N windows=N seed=N work=DIR" "$@"

for task in turning_on_radio picking_up_trash; do
  demos "$task" --tasks "$task" --episodes "$windows" --clip 2.2 --seed 1
done
once stats "${VALET[@]}" stats "$WORK/turning_on_radio" "$WORK/picking_up_trash" --out "$WORK/stats"

quarter=$(((steps + 3) / 4))
arguments=(--config nano --data "$WORK/turning_on_radio:1" "$WORK/picking_up_trash:2" --stats "$WORK/stats/norm_stats.json"
  --threads 1 --seed 1 --steps "$steps" --checkpoint-every "$(((steps + 19) / 20))" --best q
  --rollouts "every=$quarter,tasks=all,episodes=${EPISODES:-10}${MAX_STEPS:+,max-steps=$MAX_STEPS}"
  --set frameStride=3 "validation.every=$(((steps + 9) / 10))" model.auxiliary.chunk.weight=1 "schedule.warmupSteps=$((steps / 40 + 1))")

# updates FOLDER : how many updates its metrics tell of
updates() {
  local told=""
  if [ -e "$1/metrics.jsonl" ]; then told=$(tail -n 1 "$1/metrics.jsonl" | sed -n 's/^{"step":\([0-9]*\).*}$/\1/p'); fi
  echo "${told:-0}"
}

# killed_at NUMBER : goes on until so many updates are told of, and is killed a moment later
killed_at() {
  local resume=() run=$WORK/killed
  if [ -e "$run/checkpoints/latest" ]; then resume=(--resume); else rm -rf "$run"; fi
  "${VALET[@]}" train --out "$run" "${resume[@]}" "${arguments[@]}" >>"$WORK/killed.log" 2>&1 &
  local process=$!
  while [ "$(updates "$run")" -lt "$1" ]; do
    if ! kill -0 $process 2>/dev/null; then echo "runs/killed.sh: the training ended by itself; see $WORK/killed.log" >&2; return 1; fi
    sleep 0.05
  done
  sleep "0.$((RANDOM % 10))"
  kill -9 $process
  wait $process 2>/dev/null || true
  say "killed after update $(updates "$run")"
}

# A process group of its own, which ends with this script.
set -m
train alone "${arguments[@]:2}" >>"$WORK/alone.log" 2>&1 &
alone=$!
set +m
trap 'kill -- -$alone 2>/dev/null || true' EXIT

RANDOM=$seed
for ((i = 1; i <= kills; i++)); do
  # Somewhere in the i-th part of the run, but for its first and last tenth.
  part=$((steps * 8 / (10 * kills)))
  once "kill-$i" killed_at $((steps / 10 + part * (i - 1) + RANDOM % (part > 0 ? part : 1) + 1))
done
train killed "${arguments[@]:2}"
wait $alone || { echo "runs/killed.sh: the run left alone failed; see $WORK/alone.log" >&2; exit 1; }
trap - EXIT

# same FILE : the file of both runs, byte for byte
same() { cmp "$WORK/killed/$1" "$WORK/alone/$1" && say "$1: the same bytes"; }
# same_lines FILE : what is measured by the clock apart, the same lines
same_lines() {
  node -e '
    const lines = (run) => require("fs").readFileSync(`${process.argv[1]}/${run}/${process.argv[2]}`, "utf8").trim().split("\n")
      .map((line) => { const { time, samplesPerSecond, dataWait, seconds, ...rest } = JSON.parse(line); return JSON.stringify(rest); });
    const [killed, alone] = [lines("killed"), lines("alone")];
    const first = alone.findIndex((line, i) => line !== killed[i]);
    if (first >= 0 || killed.length !== alone.length) { console.error(`${process.argv[2]}: line ${first + 1} of ${alone.length} differs`); process.exit(1); }
    console.error(`${process.argv[2]}: the same ${alone.length} lines`);
  ' "$WORK" "$1"
}
last=$(basename "$(cd "$WORK/alone/checkpoints" && ls -d [0-9]* | tail -n 1)")
for file in params.safetensors train.safetensors config.json; do same "checkpoints/$last/$file"; done
for file in metrics.jsonl validation.jsonl rollouts.jsonl; do same_lines "$file"; done
"${VALET[@]}" report "$WORK/alone" "$WORK/killed" --out "$WORK/curves.html"
say "both runs ended with the same bytes after $kills kills; curves: $WORK/curves.html"
