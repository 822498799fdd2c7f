import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOME_TASKS } from '../src/home/index.ts';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runs-'));
  // Stands in for the command: writes down what it was told and makes what a recipe goes on with. The n-th call fails
  // when the file `fail` says n.
  const valet = join(folder, 'valet');
  await writeFile(
    valet,
    `#!/usr/bin/env bash
set -e
echo "$*" >>"$CALLS"
if [ "$(wc -l <"$CALLS")" = "$(cat "$CALLS.fail" 2>/dev/null)" ]; then exit 1; fi
out=$(sed -n 's/.*--out \\([^ ]*\\).*/\\1/p' <<<"$*")
mkdir -p "$out"
case "$1" in
  train) mkdir -p "$out/checkpoints/000100" "$out/checkpoints/000200"; ln -sfn 000200 "$out/checkpoints/latest"
    for step in 000100 000200; do echo '{"step": 1}' >"$out/checkpoints/$step/card.json"; done ;;
  eval) q=0.5; case "$*" in *r6*000100*) q=0.75 ;; esac
    printf '{"task":"a","q":%s}\\n{"task":"b","q":1}\\n' "$q" >"$out/ledger.jsonl"; touch "$out/run.json" ;;
esac
`,
  );
  await chmod(valet, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a recipe with the stand-in; the calls so far, and what was said. */
async function recipe(script: string, name: string, args: readonly string[] = []) {
  const calls = join(folder, `${name}.calls`);
  const valet = join(folder, 'valet');
  const env = { ...process.env, VALET: valet, AVERAGE: valet, CALLS: calls, WORK: join(folder, name) };
  const { stderr, code } = await run('bash', [script, ...args], { env }).then(
    ({ stderr }) => ({ stderr, code: 0 }),
    (error: { stderr: string; code: number }) => error,
  );
  const lines = (await readFile(calls, 'utf8').catch(() => '')).trim().split('\n');
  return { calls: lines.map((line) => line.replaceAll(`${folder}/`, '')), stderr, code };
}

describe('recipes', { timeout: 240_000 }, () => {
  it('do every line once, and go on where they broke off', async () => {
    const args = ['--work', join(folder, 'broken')];
    await writeFile(join(folder, 'broken.calls.fail'), '9');
    const broken = await recipe('runs/household.sh', 'broken', args);
    expect(broken.code).not.toBe(0);
    expect(broken.calls).toHaveLength(9);
    const whole = await recipe('runs/household.sh', 'broken', args);
    expect(whole.code).toBe(0);
    const straight = await recipe('runs/household.sh', 'straight', ['--work', join(folder, 'straight')]);
    const name = (call: string) => call.replace(/broken|straight/g, 'WORK').replace(' --resume', '');
    expect([...whole.calls.slice(0, 8), ...whole.calls.slice(9)].map(name)).toEqual(straight.calls.map(name));
    const again = await recipe('runs/household.sh', 'straight', ['--work', join(folder, 'straight')]);
    expect(again.calls).toEqual(straight.calls);
    expect(again.stderr).toContain('q 0.8750'); // of the stand-in
  });

  it('look at checkpoints on train instances, and at public ones only with the best', async () => {
    const { calls } = await recipe('runs/household.sh', 'looks', ['--work', join(folder, 'looks')]);
    const averaged = /^looks\/r6\/checkpoints\/latest looks\/r7\/checkpoints\/latest --out looks\/mean\//;
    expect(calls).toContainEqual(expect.stringMatching(averaged));
    const looks = calls.filter((call) => call.startsWith('eval'));
    expect(looks.slice(0, -1).every((call) => call.includes('--instances train'))).toBe(true);
    expect(looks).toHaveLength(8);
    expect(looks.at(-1)).toMatch(/--policy looks\/r6\/checkpoints\/000100 .*--instances public .*--seeds 0-4/);
    const checkpoints = join(folder, 'looks/r6/checkpoints');
    const cardOf = async (step: string) => JSON.parse(await readFile(join(checkpoints, step, 'card.json'), 'utf8'));
    const rule = /^highest q of 7 checkpoints on 20 train instances of each of .*seed look \(r5\/000100 0.7500, .*\)$/;
    expect(await cardOf('000100')).toEqual({ step: 1, selection: expect.stringMatching(rule) });
    expect(await cardOf('000200')).toEqual({ step: 1 });
  });

  it('begin from a policy, and at another scale', async () => {
    const { calls } = await recipe('runs/household.sh', 'from', [
      ...['--work', join(folder, 'from'), '--from', 'policies/household', '--scale', '0.1'],
      ...['--tasks', 'turning_on_radio,picking_up_trash'],
    ]);
    expect(calls.some((call) => call.startsWith('stats'))).toBe(false);
    expect(calls[0]).toMatch(/--tasks turning_on_radio --episodes 80 /);
    expect(calls[2]).toMatch(/--tasks turning_on_radio --episodes 28 .*--correct policies\/household/);
    const trainings = calls.filter((call) => call.startsWith('train'));
    expect(trainings[0]).toMatch(/--init policies\/household .*--steps 200 /);
    // Shares of 3 and 8, divided among rounds; the radio gets no corrections in round 4.
    const shares = ['turning_on_radio-1:1.2600', 'turning_on_radio-2:1.7400', 'picking_up_trash-1:3.3600'];
    expect(trainings[0]).toContain([...shares, 'picking_up_trash-2:4.6400'].map((set) => `from/${set}`).join(' '));
    expect(trainings[2]).not.toContain('turning_on_radio-4');
    expect(trainings[2]).toContain('picking_up_trash-4:2.4000');
    // The large rounds: corrections with every fifth picture, and training on them alone.
    const large = calls.filter((call) => call.includes('--pictures-every 5'));
    expect(large.map((call) => / --tasks (\S+) --episodes (\d+) /.exec(call)?.slice(1).join(' '))).toEqual(
      [5, 6, 7].flatMap(() => ['turning_on_radio 110', 'picking_up_trash 630']),
    );
    expect(trainings[4]).toContain(
      '--data from/turning_on_radio-6:3.0000 from/picking_up_trash-6:8.0000 --init from/r5/',
    );
    expect(trainings[4]).toContain('frameStride=5');
    expect(calls.at(-1)).toMatch(/--tasks turning_on_radio,picking_up_trash --instances public --episodes 5 /);
    const wrong = await recipe('runs/household.sh', 'wrong', ['--form', 'x']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/no option --form/) });
  });

  it('stop after a round, go on from it, and know every task', async () => {
    const args = ['--work', join(folder, 'rounds'), '--tasks', 'opening_shown_drawer'];
    const first = await recipe('runs/household.sh', 'rounds', [...args, '--rounds', '1']);
    expect(first.calls.map((call) => call.split(' ')[0])).toEqual(['home', 'stats', 'train']);
    expect(first.stderr).toContain('stops after round 1');
    const more = await recipe('runs/household.sh', 'rounds', [...args, '--rounds', '2']);
    expect(more.calls).toHaveLength(5);
    expect(more.calls[3]).toContain('--correct rounds/r1/checkpoints/latest');
    // What the task shows at its beginning has windows of its own, a part of the task's share.
    const all = await recipe('runs/household.sh', 'rounds', args);
    const shown = all.calls.filter((call) => call.includes('--until'));
    expect(shown).toHaveLength(3);
    expect(shown[1]).toMatch(/--out rounds\/opening_shown_drawer-6-shown .* --episodes 600 .* --until 5$/);
    const [last] = all.calls.filter((call) => call.startsWith('train')).slice(-1);
    expect(last).toContain('--data rounds/opening_shown_drawer-7:3.4000 rounds/opening_shown_drawer-7-shown:0.6000 ');
    const none = await recipe('runs/household.sh', 'none', ['--tasks', 'dancing']);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('names none of turning_on_radio ') });
    const { calls } = await recipe('runs/household-small.sh', 'small', ['--rounds', '1']);
    const made = calls.flatMap((call) => / --tasks (\S+)/.exec(call)?.[1] ?? []);
    expect(made.sort()).toEqual(HOME_TASKS.map(({ name }) => name).sort());
  });

  it("the way by hand is README's", async () => {
    const readme = await readFile('README.md', 'utf8');
    const { calls } = await recipe('runs/radio.sh', 'out/radio-0');
    for (const call of calls.filter((line) => !line.startsWith('eval'))) {
      const plain = call
        .replaceAll('out/radio-0/', '')
        .replace(' --quiet', '')
        .replace(/--seed \S+ ?/, '')
        .trim();
      const words = plain.split(' ').filter((word) => /^--/.test(word) || /[:=\d]/.test(word));
      for (const word of words) expect(readme, `${plain}: ${word}`).toContain(word);
    }
  });
});
