import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { command } from './report.ts';

it('tells training folders from evaluations, and takes no mixture', async () => {
  const place = await mkdtemp(join(tmpdir(), 'valet-report-'));
  const report = (...args: string[]) => command().exitOverride().parseAsync(args, { from: 'user' });
  const folder = async (name: string, run: object) => {
    await mkdir(join(place, name));
    await writeFile(join(place, name, 'run.json'), JSON.stringify(run));
    return join(place, name);
  };
  try {
    const training = await folder('training', { dataFingerprint: 'abc' });
    const evaluation = await folder('evaluation', { fingerprint: {} });
    await expect(report(training, evaluation)).rejects.toThrow(
      /training is a training folder and .*evaluation is none/,
    );
    await expect(report(evaluation, evaluation)).rejects.toThrow(/one evaluation \(got 2 folders\).*valet compare/);
    await expect(report(training, '--format', 'md')).rejects.toThrow(/--format: has no effect with training folders/);
    await expect(report(evaluation, '--out', 'x.html')).rejects.toThrow(/--out: has no effect with an evaluation/);
    await expect(report(training, join(place, 'none'))).rejects.toThrow(/there is no folder .*none/);
    await expect(report(join(place, 'none'))).rejects.toThrow(/holds no evaluation.*valet train/);
  } finally {
    await rm(place, { recursive: true });
  }
});
