#!/usr/bin/env bash
# Pictures and films of the household's tasks for the docs, minutes of one core: docs/images/tasks/TASK.jpg and
# docs/films/TASK.mp4 of public instance 0.
set -euo pipefail
cd "$(dirname "$0")/.."
valet() { node dist/valet.js "$@"; }
mkdir -p docs/images/tasks docs/films
for task in $(valet home tasks --json | node -p 'JSON.parse(require("fs").readFileSync(0)).map(({ name }) => name).join(" ")'); do
  valet home watch "$task" --cameras 256 --moments 3 --out "docs/images/tasks/$task.jpg"
  valet home watch "$task" --out "docs/films/$task.mp4"
done
