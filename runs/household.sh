#!/usr/bin/env bash
# One policy for all tasks of the household. Hours of two quiet cores; every line is done once: run it again after an
# interruption, and it goes on.
#
#   runs/household.sh                               # from nothing, into out/household
#   runs/household.sh --from policies/household     # goes on from a policy: its weights take the place of training 1
#   runs/household.sh --tasks turning_on_radio      # these tasks alone
#   runs/household.sh --scale 0.2 --work out/small  # a fifth of the data, of the updates and of the episodes at the end
#   runs/household.sh --rounds 1                    # stops after so many rounds (of seven); the same line with more goes on
#
# Four times: make data with the policy so far, train on all data. What a round adds are corrections (docs/household-policy.md).
# Then three times: many corrections of the policy so far, and a whole schedule on them alone.
set -euo pipefail
cd "$(dirname "$0")/.."
. runs/steps.sh

# A task's share of every batch; windows of demonstrations; windows of corrections in rounds 2, 3 and 4, and in 5, 6 and 7 each.
TABLE="
turning_on_radio                     3   800   280   120     0   1100
picking_up_trash                     8  1600  1500  1900  1500   6300
moving_boxes_to_storage              6  1000   800   800   600   5100
bringing_water                       8  1600  1500  1500  1200   6300
make_microwave_popcorn               6  1200  1000  1000   800   5100
putting_away_Halloween_decorations   6  1600  1500  1500  1200   6000
counting_balls_into_box              7  1200  1000  1000   800   5100
opening_shown_drawer                 4   600   400   400   200   2200
repeating_shown_order                6   800   600   600   400   4500
"
# What a task shows at its beginning: windows of the first so many seconds, in rounds 5, 6 and 7 each, and their share of the task's.
SHOWN="
counting_balls_into_box   4     2000   0.25
repeating_shown_order     8.5   2400   0.35
opening_shown_drawer      5      600   0.15
"
WORK=out/household
from=""
scale=1
rounds=7
TASKS=""
options "from=CHECKPOINT scale=NUMBER rounds=NUMBER tasks=LIST work=DIR" "$@"
chosen=${TASKS:+,$TASKS,}
rows=$(awk -v chosen="$chosen" 'NF && (chosen == "" || index(chosen, "," $1 ","))' <<<"$TABLE")
TASKS=$(awk '{ print $1 }' <<<"$rows" | paste -sd,)
[ -n "$TASKS" ] || { echo "runs/household.sh: --tasks names none of $(awk 'NF { print $1 }' <<<"$TABLE" | paste -sd' ')" >&2; exit 2; }

# How the policy plans: less noise, and plans twice as often (docs/lab/noise-scale.md).
PLANS="noiseScale=0.5 session.executeActions=13 session.executeSteps=10 session.historyLength=6 session.votes=4"

# windows COLUMN : "task number" of each task that gets some in this round
windows() { awk -v column="$1" '$column > 0 { print $1, $column }' <<<"$rows"; }
# make ROUND ARGUMENTS... : a data set of each task
make() {
  local round=$1 task number
  while read -r task number; do
    demos "$task-$round" --tasks "$task" --episodes "$(n "$number")" --seed "1$round" "${@:2}"
  done < <(windows $((round + 2)))
}
# data SHARE... : the data sets of rounds 1, 2 ... with their shares of every batch; a task's is divided so among its rounds
data() {
  awk -v work="$WORK" -v shares="$*" '
    BEGIN { rounds = split(shares, share, " ") }
    { for (r = 1; r <= rounds; r++) if ($(r + 2) > 0) printf "%s/%s-%d:%.4f\n", work, $1, r, $2 * share[r] }' <<<"$rows"
}
enough() { if [ "$rounds" -le "$1" ]; then say "stops after round $1: $from"; exit 0; fi; }

if [ -z "$from" ] || [ "$rounds" -gt 1 ]; then make 1 --clip 2.6; fi
if [ -z "$from" ]; then
  once stats "${VALET[@]}" stats $(data 1 | sed 's/:[^:]*$//') --out "$WORK/stats"
  train r1 --data $(data 1) --stats "$WORK/stats/norm_stats.json" --seed 1 --steps "$(n 4000)" --checkpoint-every "$(n 1000)" \
    --set $PLANS frameStride=3 model.auxiliary.chunk.weight=1 schedule.warmupSteps="$(n 300)" schedule.decaySteps="$(n 8000)"
  from=$WORK/r1/checkpoints/latest
fi
enough 1

make 2 --clip 1.7 --correct "$from" --late 0.75
train r2 --data $(data 0.42 0.58) --init "$from" --seed 2 --steps "$(n 2000)" --checkpoint-every "$(n 1000)" \
  --set $PLANS frameStride=3 schedule.peak=0.0009 schedule.warmupSteps="$(n 100)" schedule.finalShare=0.25 schedule.decaySteps="$(n 4000)"
from=$WORK/r2/checkpoints/latest
enough 2

make 3 --clip 1.7 --correct "$from" --late 0.75
train r3 --data $(data 0.28 0.29 0.43) --init "$from" --seed 3 --steps "$(n 2500)" --checkpoint-every "$(n 500)" \
  --set $PLANS frameStride=3 schedule.peak=0.0009 schedule.warmupSteps="$(n 100)" schedule.finalShare=0.2
from=$WORK/r3/checkpoints/latest
enough 3

make 4 --clip 1.7 --correct "$from" --late 0.75
train r4 --data $(data 0.24 0.19 0.27 0.3) --init "$from" --seed 4 --steps "$(n 2500)" --checkpoint-every "$(n 500)" \
  --set $PLANS frameStride=4 schedule.peak=0.0008 schedule.warmupSteps="$(n 60)" schedule.finalShare=0.03 optimizer.emaDecay=0.998

from=$WORK/r4/checkpoints/latest

for round in 5 6 7; do
  enough $((round - 1))
  while read -r task number; do
    demos "$task-$round" --tasks "$task" --episodes "$(n "$number")" --seed "1$round" --clip 1.7 --pictures-every 5 --correct "$from" --late 0.5
  done < <(windows 7)
  while read -r task seconds number _; do
    demos "$task-$round-shown" --tasks "$task" --episodes "$(n "$number")" --seed "2$round" --clip 1.7 --pictures-every 5 --correct "$from" --until "$seconds"
  done < <(awk -v tasks=",$TASKS," 'NF && index(tasks, "," $1 ",")' <<<"$SHOWN")
  train "r$round" --data $(awk -v work="$WORK" -v round="$round" '
    NR == FNR { if (NF) shown[$1] = $4; next }
    { printf "%s/%s-%d:%.4f\n", work, $1, round, $2 * (1 - shown[$1])
      if (shown[$1]) printf "%s/%s-%d-shown:%.4f\n", work, $1, round, $2 * shown[$1] }' <(echo "$SHOWN") <(echo "$rows")) \
    --init "$from" --seed "$round" --steps "$(n 9000)" --checkpoint-every "$(n 1000)" \
    --set $PLANS frameStride=5 memoryGiB=15 schedule.peak=0.0008 schedule.warmupSteps="$(n 80)" schedule.finalShare=0.02 optimizer.emaDecay=0.998
  from=$WORK/r$round/checkpoints/latest
done

# The mean of two rounds' weights may do better than either (docs/lab/household-policy.md).
mkdir -p "$WORK/mean/checkpoints"
once mean ${AVERAGE:-npx tsx scripts/averageWeights.ts} "$WORK/r6/checkpoints/latest" "$WORK/r7/checkpoints/latest" \
  --out "$WORK/mean/checkpoints/000000"

# Which checkpoint: by episodes on train instances that no data set holds. Only then the public ones, once.
LOOKS=$(n 20)
best chosen r5 r6 r7 mean
evaluate result "$(cat "$WORK/chosen")" --tasks "$TASKS" --instances public --episodes "$(n 50)" --seeds 0-4
say "q $(q "$WORK/result") on $(n 50) public instances of each task, 5 seeds; the policy: $(cat "$WORK/chosen")"
