#!/usr/bin/env bash
# A group of tasks from a generalist: data and corrections of the group alone, a training that begins with the generalist's
# weights, a mapping file that sends the group's tasks to the new checkpoint and all others to the generalist, and a server
# with both that is tried. Run it again after an interruption, and it goes on.
#
#   runs/group.sh                                                   # the household's policy, picking_up_trash
#   runs/group.sh --from policies/household --tasks picking_up_trash,turning_on_radio --work out/group
#   runs/group.sh --scale 0.01 --work out/small-group               # a hundredth of the data, updates and episodes
set -euo pipefail
cd "$(dirname "$0")/.."
. runs/steps.sh
WORK=out/group
from=policies/household
scale=1
TASKS=picking_up_trash
options "from=CHECKPOINT tasks=LIST scale=NUMBER work=DIR" "$@"

# The generalist's own mistakes in the group's tasks, corrected by the expert, beside fresh demonstrations.
demos demos --tasks "$TASKS" --episodes "$(n 400)" --clip 2.2 --seed 31
demos corrections --tasks "$TASKS" --episodes "$(n 600)" --clip 1.7 --seed 31 --correct "$from"
# The statistics are the generalist's: its weights know no others. The best look in closed loop is what serves.
every=$(n 250)
train run --data "$WORK/demos:0.4" "$WORK/corrections:0.6" --init "$from" --steps "$(n 1000)" --seed 31 \
  --checkpoint-every "$every" --rollouts "every=$every,tasks=all,episodes=$(n 10)" --best q \
  --set frameStride=3 schedule.peak=0.0006 schedule.warmupSteps="$(n 60)" schedule.finalShare=0.1

# Task numbers of the group go to the new checkpoint, everything else to the generalist.
once mapping node -e '
  const { execFileSync } = require("child_process");
  const { realpathSync, writeFileSync } = require("fs");
  const [work, from, tasks, ...valet] = process.argv.slice(1);
  const all = JSON.parse(execFileSync(valet[0], [...valet.slice(1), "home", "tasks", "--json"], { encoding: "utf8" }));
  const numbers = tasks.split(",").map((name) => all.find((task) => task.name === name).id);
  const group = realpathSync(`${work}/run/checkpoints/best`);
  const mapping = { default: realpathSync(from), tasks: { [numbers.join(",")]: group } };
  writeFileSync(`${work}/task_checkpoint_mapping.json`, `${JSON.stringify(mapping, null, 2)}\n`);
' "$WORK" "$from" "$TASKS" "${VALET[@]}"

# One server for both; the group's tasks are played through it, and by the generalist alone.
serve_and_evaluate() {
  local log="$WORK/served.json" server url resume=()
  if [ -e "$WORK/group/run.json" ]; then resume=(--resume); fi
  rm -f "$log"
  "${VALET[@]}" serve --mapping "$WORK/task_checkpoint_mapping.json" --port 0 >"$log" &
  server=$!
  trap "kill $server 2>/dev/null || true" EXIT
  until [ -s "$log" ]; do kill -0 "$server"; sleep 0.2; done
  url=$(grep -o 'ws://[^"]*' "$log" | head -1)
  "${VALET[@]}" eval --policy "$url" --tasks "$TASKS" --instances public --episodes "$(n 50)" --out "$WORK/group" \
    --quiet --no-record --no-report "${resume[@]}"
  kill "$server"
  wait "$server" || true
}
once group serve_and_evaluate
evaluate generalist "$from" --tasks "$TASKS" --instances public --episodes "$(n 50)"
say "q on $(n 50) public instances of each of $TASKS: group $(q "$WORK/group"), generalist $(q "$WORK/generalist")"
say "serve both: ${VALET[*]} serve --mapping $WORK/task_checkpoint_mapping.json --port 8000"
