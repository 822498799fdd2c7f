import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tinyStatistics, writeTinyPolicy } from '../../test/support/model.ts';
import { writeNormStats } from '../action/index.ts';
import { readCheckpoint } from '../model/index.ts';
import { createLogger, serveCheckpoint } from '../serve/index.ts';
import * as demo from './demo.ts';
import * as evaluation from './eval.ts';
import * as exporting from './export.ts';
import * as home from './home.ts';
import * as importing from './import.ts';

const STATS = 'assets/household/norm_stats.json';
const ALLOW = '--other-statistics';
const REFUSED = /norm_stats\.json: holds other statistics than the checkpoint was trained with .*--other-statistics\./;

let folder: string;
let swapped: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-other-'));
  swapped = at('swapped');
  await writeTinyPolicy(swapped, { samplingSteps: 2 });
  await cp(swapped, at('whole'), { recursive: true });
  const other = tinyStatistics();
  other.state.mean[0] = 0.25;
  await writeNormStats(join(swapped, STATS), other);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a command in this process. @returns what it printed on stdout and stderr */
async function run(command: Command, ...args: string[]): Promise<string> {
  let text = '';
  const hear = (chunk: unknown) => {
    text += chunk;
    return true;
  };
  const writes = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(hear));
  for (const child of command.commands) child.exitOverride();
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' });
    return text;
  } finally {
    for (const write of writes) write.mockRestore();
  }
}

const radio = ['--tasks', 'turning_on_radio', '--max-steps', '3', '--workers', '1'];
const commands: Record<string, (out: string, ...more: string[]) => Promise<string>> = {
  eval: (out, ...more) =>
    run(evaluation.command(), '--policy', swapped, '--instances', '0', ...radio, '--out', out, ...more),
  demo: (out, ...more) =>
    run(demo.command(), '--policy', swapped, '--instances', '0', ...radio, '--quiet', '--out', out, ...more),
  export: (out, ...more) => run(exporting.command(), swapped, '--format', 'safetensors', '--out', out, ...more),
  import: (out, ...more) => run(importing.command(), swapped, '--out', out, '--quiet', ...more),
  'import --norm-stats': (out, ...more) =>
    run(importing.command(), at('whole'), '--norm-stats', join(swapped, STATS), '--out', out, '--quiet', ...more),
  'home demos --correct': (out, ...more) => {
    const words = ['--tasks', 'turning_on_radio', '--episodes', '1', '--workers', '1', '--quiet', '--clip', '1.5'];
    return run(home.command(), 'demos', ...words, '--correct', swapped, '--out', out, ...more);
  },
};

describe('statistics that a checkpoint was not trained with', { timeout: 240_000 }, () => {
  it.each(Object.keys(commands))(
    'are refused by valet %s, and let through by one option, which is said',
    async (name) => {
      const out = at(name.replaceAll(' ', '-'));
      await expect(commands[name]!(out)).rejects.toThrow(REFUSED);
      expect(await commands[name]!(out, ALLOW)).toMatch(/statistics .*as you allowed/);
    },
  );

  it('stand in what came of them', async () => {
    for (const name of ['eval', 'demo']) {
      const { checkpoints } = JSON.parse(await readFile(join(at(name), 'run.json'), 'utf8'));
      expect(checkpoints).toMatchObject([{ ownStatistics: false }]);
      expect(await readFile(join(at(name), 'report.html'), 'utf8')).toContain('NOT those that it was trained with');
    }
    await expect(readCheckpoint(at('import'))).rejects.toThrow(REFUSED);
    await expect(run(importing.command(), at('export'), '--out', at('again'))).rejects.toThrow(REFUSED);
  });

  it('are refused by valet serve before it listens, also in a mapping', async () => {
    const serve = (folder: string, otherStatistics?: boolean) =>
      serveCheckpoint({
        mapping: { paths: new Map([['a', folder]]), byTask: new Map([[0, 'a']]), otherwise: undefined },
        logger: createLogger('silent'),
        planner: { otherStatistics },
      });
    await expect(serve(swapped)).rejects.toThrow(REFUSED);
    for (const running of [await serve(swapped, true), await serve(at('whole'))]) {
      await running.server.ready;
      await running.close();
    }
  });

  it('are nothing to let through where no checkpoint is opened', async () => {
    const idle = /--other-statistics: has no effect/;
    await expect(run(evaluation.command(), '--policy', 'hold', '--out', at('x'), ALLOW)).rejects.toThrow(idle);
    const words = ['--tasks', 'turning_on_radio', '--episodes', '1', '--out', at('x')];
    await expect(run(home.command(), 'demos', ...words, ALLOW)).rejects.toThrow(idle);
  });
});
