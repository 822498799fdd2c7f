# What the recipes of this folder share. A recipe is a list of lines; each says what it does, is done once, and is
# passed over when it has been done before. So an interrupted recipe goes on where it was: run it again.
#
# Set before the first line: WORK (folder of everything that is made). VALET is the command, as an array.

set -euo pipefail
shopt -s inherit_errexit
VALET=(${VALET:-node dist/valet.js})

# options FORMS ARGUMENTS... : reads `--scale 0.5` into the variable scale, where FORMS says `scale=NUMBER`; --work and --tasks into
# WORK and TASKS
options() {
  local forms=$1 form name
  shift
  while [ $# -gt 0 ]; do
    name=""
    for form in $forms; do if [ "$1" = "--${form%%=*}" ]; then name=${form%%=*}; fi; done
    if [ -z "$name" ]; then
      echo "runs/$(basename "$0"): no option $1 (expected $(sed 's/[a-z]*=/--&/g; s/=/ /g; s/ --/, --/g' <<<"$forms"))" >&2
      exit 2
    fi
    [ $# -gt 1 ] || { echo "runs/$(basename "$0"): $1 needs a value" >&2; exit 2; }
    case "$name" in
      work) WORK=$2 ;;
      tasks) TASKS=$2 ;;
      *) printf -v "$name" %s "$2" ;;
    esac
    shift 2
  done
}

# n NUMBER : a number of episodes or updates at the recipe's scale
n() { awk -v number="$1" -v scale="$scale" 'BEGIN { n = int(number * scale + 0.5); print n < 1 ? 1 : n }'; }

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }

# once NAME COMMAND... : runs the command unless it was done before
once() {
  local name=$1 begun=$SECONDS
  shift
  if [ -e "$WORK/done/$name" ]; then return; fi
  mkdir -p "$(dirname "$WORK/done/$name")"
  say "$name: $*"
  "$@"
  printf '%s\n%s s\n' "$*" $((SECONDS - begun)) >"$WORK/done/$name"
  say "$name: done in $((SECONDS - begun)) s"
}

# demos NAME ARGUMENTS... : a data set, $WORK/NAME; it appears when it is whole, and goes on where it was interrupted
demos() {
  local resume=()
  if [ -e "$WORK/$1.part" ]; then resume=(--resume); fi
  once "$1" "${VALET[@]}" home demos --quiet --out "$WORK/$1" "${resume[@]}" "${@:2}"
}

# train NAME ARGUMENTS... : a training folder, $WORK/NAME; goes on from its newest checkpoint, if there is one
train() {
  local resume=()
  if [ -e "$WORK/$1/checkpoints/latest" ]; then resume=(--resume); else rm -rf "${WORK:?}/$1"; fi
  once "$1" "${VALET[@]}" train --config nano --out "$WORK/$1" "${resume[@]}" "${@:2}"
}

# evaluate NAME CHECKPOINT ARGUMENTS... : an evaluation folder, $WORK/NAME
evaluate() {
  local resume=()
  if [ -e "$WORK/$1/run.json" ]; then resume=(--resume); fi
  once "$1" "${VALET[@]}" eval --policy "$2" --out "$WORK/$1" --quiet --no-record --no-report "${resume[@]}" "${@:3}"
}

# q FOLDER : the mean q of an evaluation folder's ledger, over tasks
q() {
  node -e '
    const lines = require("fs").readFileSync(process.argv[1] + "/ledger.jsonl", "utf8").trim().split("\n").map(JSON.parse);
    const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
    const tasks = [...new Set(lines.map(({ task }) => task))];
    console.log(mean(tasks.map((name) => mean(lines.filter(({ task }) => task === name).map(({ q }) => q)))).toFixed(4));
  ' "$1"
}

# select_checkpoint CHECKPOINT RULE : writes into a checkpoint's card how it was chosen among others; results then say it
select_checkpoint() {
  node -e '
    const { readFileSync, renameSync, writeFileSync } = require("fs");
    const [folder, selection] = process.argv.slice(1);
    const card = `${folder}/card.json`;
    const text = JSON.stringify({ ...JSON.parse(readFileSync(card, "utf8")), selection }, null, 2);
    writeFileSync(`${card}.part`, `${text}\n`);
    renameSync(`${card}.part`, card);
  ' "$1" "$2"
}

# best NAME RUN... : looks at the checkpoints of training folders in closed loop, on LOOKS (20) instances of the train split
# that no data set holds (seed look), and leaves the best one's folder in $WORK/NAME, and the rule in its card
best() {
  local name=$1 run checkpoint label score top=-1 count=0 scores="" instances=${LOOKS:-20}
  shift
  if [ -e "$WORK/$name" ]; then return; fi
  for run in "$@"; do
    for checkpoint in "$WORK/$run"/checkpoints/[0-9]*; do
      label="looks/$run-$(basename "$checkpoint")"
      mkdir -p "$WORK/looks"
      evaluate "$label" "$checkpoint" --tasks "$TASKS" --instances train --episodes "$instances" --seed look >/dev/null
      score=$(q "$WORK/$label")
      say "$label: q $score on train instances"
      count=$((count + 1))
      scores="${scores:+$scores, }$run/$(basename "$checkpoint") $score"
      if awk -v a="$score" -v b="$top" 'BEGIN { exit !(a > b) }'; then
        top=$score
        printf '%s\n' "$checkpoint" >"$WORK/$name.part"
      fi
    done
  done
  select_checkpoint "$(cat "$WORK/$name.part")" \
    "highest q of $count checkpoints on $instances train instances of each of $TASKS, seed look ($scores)"
  mv "$WORK/$name.part" "$WORK/$name"
  say "$name: $(cat "$WORK/$name"), q $top"
}
