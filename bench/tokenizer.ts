import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FastTokenizer, fastColumns } from '../src/action/index.ts';
import { Random, ValetError } from '../src/base/index.ts';
import { CHALLENGE_ROBOT } from '../src/robot/index.ts';
import { runPeer } from './peer.ts';
import { type Benchmark, type BenchRow, median, row } from './row.ts';

/** The columns of the robot's actions that FAST encodes, and which of them are grippers. */
const ENCODED = fastColumns(CHALLENGE_ROBOT).flatMap(([start, end]) =>
  Array.from({ length: end - start }, (_, i) => start + i),
);
const GRIPPERS = CHALLENGE_ROBOT.gripperColumns.map((column) => ENCODED.indexOf(column));
const [HORIZON, WIDTH, VOCABULARY, SCALE] = [CHALLENGE_ROBOT.horizon, ENCODED.length, 1024, 10];
const SIZE = HORIZON * WIDTH;
const [FEW, MANY] = [3000, 30_000];
const ROUNDS = 3;

interface Peer {
  readonly seconds: number;
  readonly batchSeconds: number;
  readonly decodeSeconds: number;
  readonly digest: string;
  readonly version: string;
}

/**
 * FAST: fitting, encoding and decoding chunks of a robot's actions, one thread. Both sides take turns; what they
 * compute must be the same.
 */
export const tokenizer: Benchmark = {
  summary: 'FAST vocabulary: fit, encode, decode; peer: SciPy and Hugging Face tokenizers',
  async run({ note }): Promise<BenchRow[]> {
    const folder = await mkdtemp(join(tmpdir(), 'valet-bench-'));
    try {
      const data = trajectories(MANY);
      const few = data.subarray(0, FEW * SIZE);
      const path = join(folder, 'chunks.f64');
      await writeFile(path, new Uint8Array(data.buffer));
      const learn = (count: number) => {
        const chunks = Array.from({ length: count }, (_, i) => data.subarray(i * SIZE, (i + 1) * SIZE));
        return FastTokenizer.fit(chunks, { horizon: HORIZON, width: WIDTH, vocabSize: VOCABULARY, scale: SCALE });
      };
      const fitted = learn(FEW);
      await fitted.save(folder);
      const vocabulary = join(folder, 'vocabulary.json');
      await writeFile(
        vocabulary,
        JSON.stringify({ path: join(folder, 'tokenizer.json'), minToken: fitted.settings.minToken }),
      );
      let said = false;
      const peer = async (what: 'fit' | 'encode', count: number): Promise<Peer | undefined> => {
        const quiet = said ? () => undefined : note;
        const args = [what, path, String(count), String(HORIZON), String(WIDTH), vocabulary];
        const found = await runPeer('tokenizer.py', args, { set: 'tokenizer', note: quiet });
        said = true;
        return found as Peer | undefined;
      };

      const own = { fit: [] as number[], encode: [] as number[], decode: [] as number[] };
      const theirs = { fit: [] as number[], encode: [] as number[], batch: [] as number[], decode: [] as number[] };
      let version: string | undefined;
      for (let round = 0; round < ROUNDS; round++) {
        const [seconds, trained] = timed(() => learn(FEW));
        own.fit.push(seconds);
        const other = await peer('fit', FEW);
        if (other) theirs.fit.push(same(other, trained.bpe.merges, 'merges').seconds);

        const [encoding, ids] = timed(() =>
          Array.from({ length: FEW }, (_, i) => fitted.encode(few.subarray(i * SIZE, (i + 1) * SIZE))),
        );
        own.encode.push(encoding);
        const [decoding, failed] = timed(() => ids.filter((each) => !fitted.decode(each).ok).length);
        if (failed > 0) throw new ValetError('bench tokenizer', `${failed} chunks do not decode.`);
        own.decode.push(decoding);
        const answer = await peer('encode', FEW);
        if (!answer) continue;
        same(
          answer,
          ids.map((each) => [...each]),
          'ids',
        );
        version = answer.version;
        theirs.encode.push(answer.seconds);
        theirs.batch.push(answer.batchSeconds);
        theirs.decode.push(answer.decodeSeconds);
        note(`round ${round + 1} of ${ROUNDS}`);
      }
      const large: { own: number[]; theirs: number[] } = { own: [], theirs: [] };
      for (let round = 0; round < 1; round++) {
        const [seconds, trained] = timed(() => learn(MANY));
        large.own.push(seconds);
        const other = await peer('fit', MANY);
        if (other) large.theirs.push(same(other, trained.bpe.merges, 'merges').seconds);
      }
      const beside = (values: readonly number[], factor: number, how = '') =>
        values.length > 0 ? { name: `${version}${how}`, value: factor * median(values) } : undefined;
      const perChunk = 1e6 / FEW;
      return [
        row(`fit, ${FEW} chunks of ${HORIZON}×${WIDTH}`, median(own.fit), 's', beside(theirs.fit, 1)),
        row(
          `fit, ${MANY} chunks of ${HORIZON}×${WIDTH}`,
          Math.min(...large.own),
          's',
          version !== undefined && large.theirs.length > 0
            ? { name: version, value: Math.min(...large.theirs) }
            : undefined,
        ),
        row(
          'encode, one thread, time per chunk',
          perChunk * median(own.encode),
          'µs',
          beside(theirs.encode, perChunk, ', chunk by chunk'),
        ),
        row(
          'encode, one thread, against a batch',
          perChunk * median(own.encode),
          'µs',
          beside(theirs.batch, perChunk, ', one batch on all cores'),
        ),
        row('decode, time per chunk', perChunk * median(own.decode), 'µs', beside(theirs.decode, perChunk)),
        row('chunks encoded per second', FEW / median(own.encode), '1/s'),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function timed<T>(work: () => T): [seconds: number, result: T] {
  const start = performance.now();
  const result = work();
  return [(performance.now() - start) / 1000, result];
}

function same(peer: Peer, value: unknown, what: string): Peer {
  const own = createHash('sha256').update(asciiJson(value)).digest('hex');
  if (own !== peer.digest) throw new ValetError('bench tokenizer', `the peer's ${what} are others.`);
  return peer;
}

/** JSON as Python's `json.dumps` writes it: with \u escapes beyond ASCII. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (c) =>
    c === '\u007f' ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Chunks as robots make them: joints that stand, drift or swing, a little noise, grippers that switch; float64
 * [count, horizon, width] within [-1, 1].
 */
function trajectories(count: number): Float64Array {
  const random = Random.of('bench', 'trajectories');
  const out = new Float64Array(count * SIZE);
  for (let n = 0; n < count; n++)
    for (let d = 0; d < WIDTH; d++) {
      const kind = random.uniform();
      const still = kind < 0.35;
      const gripper = GRIPPERS.includes(d);
      const [offset, slope] = [random.between(-0.6, 0.6), still ? 0 : 0.3 * random.normal()];
      const [size, phase, speed] = [still ? 0 : 0.15 * random.normal(), random.between(0, 6), random.between(1, 6)];
      const switchAt = random.uniform() < 0.1 ? random.integer(HORIZON) : HORIZON;
      for (let t = 0; t < HORIZON; t++) {
        const at = t / HORIZON;
        const value = gripper
          ? t < switchAt
            ? 1
            : -1
          : offset + slope * at + size * Math.sin(phase + speed * at) + 0.01 * random.normal();
        out[n * SIZE + t * WIDTH + d] = Math.max(-1, Math.min(1, value));
      }
    }
  return out;
}
