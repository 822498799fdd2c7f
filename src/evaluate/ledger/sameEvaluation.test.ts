import { describe, expect, it } from 'vitest';
import { type RunFile, RunFileSchema } from './runRecord.ts';
import { requireSame } from './sameEvaluation.ts';

const run = (changes: Partial<RunFile['fingerprint']> = {}): RunFile => ({
  fingerprint: {
    policy: { kind: 'checkpoint', folder: '/a', files: { 'config.json': 'c1', 'params.safetensors': 'p1' } },
    seed: '0',
    maxSteps: null,
    imageSize: 64,
    edition: '2025',
    perturb: [],
    versions: { valet: '1', household: '2' },
    ...changes,
  },
  tasks: ['turning_on_radio'],
  instances: [0],
  started: '',
  node: 'v20',
});
const files = { 'config.json': 'c1', 'params.safetensors': 'p1' };

describe('two evaluations are one', () => {
  it('when the policy is the same, wherever it lies', () => {
    requireSame('out', run(), run({ policy: { kind: 'checkpoint', folder: '/b', files } }));
    const served = (url: string, ...checkpoints: string[]) =>
      run({ policy: { kind: 'remote', url, ...(checkpoints.length > 0 && { checkpoints }) } });
    requireSame('out', served('ws://a:1', 'x', 'y'), served('ws://b:2', 'x', 'y'));
    expect(() => requireSame('out', served('ws://a:1', 'x'), served('ws://a:1', 'z'))).toThrow(
      /policy.checkpoints \(\["x"\], now \["z"\]\)/,
    );
    // Of a server that tells nothing, the address is all that is known.
    expect(() => requireSame('out', served('ws://a:1'), served('ws://b:2'))).toThrow(/policy.url \("ws:\/\/a:1"/);
    const replay = (demos: string, content: string) => run({ policy: { kind: 'replay', demos, content } });
    requireSame('out', replay('/a', '1'), replay('/b', '1'));
    expect(() => requireSame('out', replay('/a', '1'), replay('/a', '2'))).toThrow(/policy.content/);
  });

  it.each<[string, Partial<RunFile['fingerprint']>, RegExp]>([
    [
      'weights',
      { policy: { kind: 'checkpoint', folder: '/a', files: { ...files, 'config.json': 'c2' } } },
      /config.json/,
    ],
    [
      'a setting',
      { policy: { kind: 'checkpoint', folder: '/a', files, samplingSteps: 3 } },
      /samplingSteps \(not set, now 3/,
    ],
    [
      'number of threads',
      { policy: { kind: 'checkpoint', folder: '/a', files, threads: 2 } },
      /policy.threads \(not set, now 2/,
    ],
    ['the kind', { policy: { kind: 'hold' } }, /policy.kind \("checkpoint", now "hold"\)/],
    ['the seed', { seed: '1' }, /another seed \("0", now "1"\)/],
    ['the time-out', { maxSteps: 50 }, /maxSteps \(null, now 50\)/],
    ['the pictures', { imageSize: 32 }, /imageSize \(64, now 32\)/],
    ['the scenes', { versions: { valet: '1', household: '3' } }, /versions.household/],
  ])('not with another %s', (_name, changes, message) => {
    expect(() => requireSame('out', run(), run(changes))).toThrow(message);
  });

  it('when an older version recorded a seed for a policy that takes none', () => {
    for (const kind of ['hold', 'expert', 'nearest']) {
      const policy = { kind };
      const old = RunFileSchema.parse(run({ policy, seed: '0' }));
      requireSame('out', old, run({ policy, seed: null }));
    }
    expect(RunFileSchema.parse(run()).fingerprint.seed).toBe('0');
  });

  it('when an older version did not record the size of the pictures', () => {
    const old = run();
    delete old.fingerprint.imageSize;
    requireSame('out', JSON.parse(JSON.stringify(old)), run());
  });
});
