import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { FastTokenizer } from '../action/index.ts';
import { DatasetWriter } from '../data/index.ts';
import { command } from './tokenizer.ts';

let folder: string;
let demos: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-tokenizer-'));
  demos = join(folder, 'demos');
  const writer = await DatasetWriter.create(demos, { imageSize: 16 });
  for (const [seed, length] of [45, 20, 61].entries())
    await writer.addEpisode(fakeEpisode({ length, size: 16, seed, instance: 1_000_000 + seed }));
  await writer.finish();
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  process.exitCode = undefined;
});

async function run(...argv: string[]): Promise<string> {
  const lines: string[] = [];
  const print = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    await command().parseAsync([...argv, '--quiet'], { from: 'user' });
  } finally {
    print.mockRestore();
  }
  return lines.join('');
}

describe('valet tokenizer', () => {
  it('fits a vocabulary to the chunks of a data set, and checks it on them', async () => {
    const out = join(folder, 'tokenizer');
    const fitted = JSON.parse(await run('fit', demos, '--out', out, '--vocab-size', '400', '--json'));
    expect(fitted).toMatchObject({
      chunks: 16 + 32,
      failed: { count: 0 },
      out,
      vocabulary: { horizon: 30, width: 22 },
    });
    const metadata = JSON.parse(await readFile(join(out, 'metadata.json'), 'utf8'));
    expect(metadata).toMatchObject({
      encoded_dims: '0:6,7:23',
      action_horizon: 30,
      num_training_chunks: 48,
      scale: 10,
    });
    const { size, settings } = await FastTokenizer.load(out);
    expect(size).toBe(fitted.vocabulary.symbols);
    expect(settings).toMatchObject({ scale: 10, vocabSize: 400, horizon: 30, width: 22 });

    const checked = JSON.parse(await run('check', out, '--data', demos, '--max-tokens', '3', '--json'));
    expect(checked).toMatchObject({ ok: true, chunks: 48, cut: { maxTokens: 3, share: 1 }, tokens: fitted.tokens });
    expect(checked.error.dimensions.length).toBe(22);
    expect(checked.error.max).toBeLessThan((0.5 * Math.sqrt(30)) / 10);

    // The same chunks, the same bytes; fewer chunks when asked.
    const again = join(folder, 'again');
    const fewer = JSON.parse(
      await run('fit', demos, '--out', again, '--vocab-size', '400', '--max-chunks', '10', '--json'),
    );
    expect(fewer.chunks).toBe(10);
    await run('fit', demos, '--out', again, '--vocab-size', '400', '--json');
    expect(await readFile(join(again, 'tokenizer.json'))).toEqual(await readFile(join(out, 'tokenizer.json')));
    expect(await run('check', out)).toMatch(/do not decode: \d+/);
  });

  it("writes into a checkpoint's assets, and finds it there", async () => {
    const checkpoint = join(folder, 'checkpoint');
    await mkdir(join(checkpoint, 'assets', 'household'), { recursive: true });
    await writeFile(join(checkpoint, 'params.safetensors'), '');
    const argv = ['fit', demos, '--out', checkpoint, '--columns', '7:14', '--horizon', '10', '--scale', '20', '--json'];
    const { out } = JSON.parse(await run(...argv));
    expect(out).toBe(join(checkpoint, 'assets', 'household', 'fast_tokenizer'));
    const checked = JSON.parse(await run('check', checkpoint, '--data', demos, '--json'));
    expect(checked).toMatchObject({ ok: true, vocabulary: { horizon: 10, width: 7, scale: 20 } });
  });

  it('writes into the asset that the checkpoint plans with, whose id may have slashes', async () => {
    const checkpoint = join(folder, 'slashes');
    const assets = join(checkpoint, 'assets');
    for (const id of ['behavior-1k/2025-challenge-demos', 'other']) await mkdir(join(assets, id), { recursive: true });
    await writeFile(join(checkpoint, 'params.safetensors'), '');
    const argv = ['fit', demos, '--out', checkpoint, '--columns', '7:9', '--horizon', '4', '--json'];
    await expect(run(...argv)).rejects.toThrow('2 assets (behavior-1k/2025-challenge-demos, other). Choose one');
    await writeFile(join(checkpoint, 'config.json'), '{"policy":{"assetId":"behavior-1k/2025-challenge-demos"}}');
    const { out } = JSON.parse(await run(...argv));
    expect(out).toBe(join(assets, 'behavior-1k/2025-challenge-demos/fast_tokenizer'));
    expect(JSON.parse(await run('check', checkpoint, '--data', demos, '--json'))).toMatchObject({ ok: true });
  });

  it('says what is wrong', async () => {
    await expect(run('fit', demos, '--out', folder, '--horizon', '100')).rejects.toThrow(/(no episode|too few chunks)/);
    await expect(run('fit', demos, '--out', folder, '--vocab-size', '5')).rejects.toThrow(
      /range is larger than the vocabulary/,
    );
    await expect(run('check', join(folder, 'demos'))).rejects.toThrow(/holds no vocabulary.*valet tokenizer fit/);
    await expect(run('fit', join(folder, 'nowhere'), '--out', folder)).rejects.toThrow(/info.json/);
  });
});
