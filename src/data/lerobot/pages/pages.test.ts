import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Random } from '../../../base/index.ts';
import { pageKernels } from '../../../kernels/index.ts';
import { encodeParquet } from '../encodeParquet.ts';
import { queryColumns } from '../parquet.ts';
import { checkConstant, RowStarts } from './levels.ts';
import { PageReader, type RowRange, type TakeRows } from './pageReader.ts';

const golden = new URL('../../../../test/golden/', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'valet-pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const reader = new PageReader();

function rowsOf(path: string, column: string, range?: RowRange): { width: number; data: number[] } | undefined {
  const out = { width: 0, data: [] as number[] };
  const take: TakeRows = (_, data, start, rows, width) => {
    out.width = width;
    for (let i = 0; i < rows * width; i++) out.data.push(data[start + i]!);
  };
  const known = reader.read(path, [column], take, range);
  return known ? out : undefined;
}

it('reads what the ordinary reader reads, in many forms of pages', async () => {
  const forms = join(golden, 'parquet-pages');
  const unknown = ['gzip action', 'gzip observation.state', 'float64 observation.state', 'null-number action'];
  const neither = ['ragged action', 'null-list action'];
  const seen: string[] = [];
  for (const file of readdirSync(forms).filter((name) => name.endsWith('.parquet')))
    for (const column of ['observation.state', 'action']) {
      const path = join(forms, file);
      const name = `${file.replace('.parquet', '')} ${column}`;
      const got = rowsOf(path, column);
      if (neither.includes(name)) await expect(queryColumns(path, [column])).rejects.toThrow(/row 5 (has 20|is null)/);
      if (!got) {
        seen.push(name);
        continue;
      }
      const { [column]: want } = await queryColumns(path, [column]);
      expect(got.width, name).toBe(want!.width);
      expect(got.data, name).toEqual([...want!.data]);
    }
  expect(seen.sort()).toEqual([...unknown, ...neither].sort());
});

it('reads several row groups and pages of an episode, and a row alone', async () => {
  const random = Random.of('pages');
  for (const [rows, width] of [
    [1, 23],
    [2, 300],
    [5000, 23],
    [2000, 256],
  ] as const) {
    const data = Float32Array.from({ length: rows * width }, () => random.normal());
    const path = join(folder, `${rows}-${width}.parquet`);
    writeFileSync(path, encodeParquet([{ name: 'action', kind: 'float32list', data, width }], rows));
    const got = rowsOf(path, 'action');
    expect([got?.width, got?.data.length]).toEqual([width, data.length]);
    expect(got!.data.every((x, i) => x === data[i])).toBe(true);
  }
});

it('reads some of the rows only', () => {
  const random = Random.of('ranges');
  for (const form of ['row-groups', 'pages-within-rows', 'plain-then-dictionary', 'version-2'])
    for (const column of ['action', 'observation.state']) {
      const path = join(golden, 'parquet-pages', `${form}.parquet`);
      const { width, data } = rowsOf(path, column)!;
      for (let trial = 0; trial < 30; trial++) {
        const from = Math.floor(random.uniform() * 60);
        const to = from + 1 + Math.floor(random.uniform() * (60 - from));
        const some = rowsOf(path, column, { from, to });
        expect(some?.data, `${form} ${column} ${from} ${to}`).toEqual(data.slice(from * width, to * width));
      }
    }
});

it('never fails on a damaged file, and never gives other numbers than the ordinary reader', async () => {
  const bytes = readFileSync(join(golden, 'parquet-pages', 'version-2.parquet'));
  const path = join(folder, 'damaged.parquet');
  const random = Random.of('damage');
  let refused = 0;
  for (let trial = 0; trial < 300; trial++) {
    const damaged = Buffer.from(bytes);
    if (trial % 10 === 0) writeFileSync(path, damaged.subarray(0, Math.floor(random.uniform() * damaged.length)));
    else {
      const at = Math.floor(random.uniform() * damaged.length);
      damaged[at] = damaged[at]! ^ (1 << Math.floor(random.uniform() * 8));
      writeFileSync(path, damaged);
    }
    const got = rowsOf(path, 'action');
    if (!got) refused++;
    else {
      const want = await queryColumns(path, ['action']).catch(() => undefined);
      if (want) expect(got.data).toEqual([...want.action.data]);
    }
  }
  expect(refused).toBeGreaterThan(50);
});

it('says where a file or a column is not there', () => {
  expect(reader.read(join(folder, 'nowhere.parquet'), ['action'], () => {})).toBe(false);
  expect(rowsOf(join(golden, 'parquet-pages', 'plain.parquet'), 'index')).toBeUndefined();
  expect(rowsOf(join(golden, 'parquet-pages', 'plain.parquet'), 'none')).toBeUndefined();
  const fail = () => {
    throw new RangeError('of the caller');
  };
  expect(() => reader.read(join(golden, 'parquet-pages', 'plain.parquet'), ['action'], fail)).toThrow('of the caller');
});

/** Levels as runs and packed groups, mixed at random. */
function encodeLevels(levels: readonly number[], bits: number, random: Random): Uint8Array {
  const out: number[] = [];
  const head = (value: number) => {
    for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
    out.push(value);
  };
  for (let i = 0; i < levels.length; ) {
    let same = 1;
    while (i + same < levels.length && levels[i + same] === levels[i]) same++;
    if (random.uniform() < 0.5) {
      const length = 1 + Math.floor(random.uniform() * same);
      head(2 * length);
      out.push(levels[i]!);
      i += length;
      continue;
    }
    const groups = 1 + Math.floor(random.uniform() * 4);
    if (i + 8 * (groups - 1) >= levels.length) continue;
    head(2 * groups + 1);
    const packed = new Array<number>(groups * bits).fill(0);
    for (let k = 0; k < 8 * groups; k++)
      for (let b = 0; b < bits; b++)
        if (((levels[i + k] ?? 0) >> b) & 1) packed[(k * bits + b) >> 3]! |= 1 << ((k * bits + b) & 7);
    out.push(...packed);
    i += 8 * groups;
  }
  return Uint8Array.from(out);
}

it('sees rows of another length and nulls in levels of any encoding', () => {
  const random = Random.of('levels');
  for (let trial = 0; trial < 400; trial++) {
    const width = 1 + Math.floor(random.uniform() * 40);
    const rows = 1 + Math.floor(random.uniform() * 20);
    const levels = Array.from({ length: rows * width }, (_, i) => (i % width === 0 ? 0 : 1));
    const wrong = random.uniform() < 0.5;
    if (wrong) levels[Math.floor(random.uniform() * levels.length)]! ^= 1;
    // In two pages, cut anywhere.
    const cut = Math.floor(random.uniform() * levels.length);
    const starts = new RowStarts(width);
    const good = [levels.slice(0, cut), levels.slice(cut)].every((page) => {
      const bytes = encodeLevels(page, 1, random);
      return starts.check(bytes, 0, bytes.length, page.length);
    });
    expect(good).toBe(!wrong);

    const value = 1 + Math.floor(random.uniform() * 3);
    const definition = new Array<number>(levels.length).fill(value);
    if (wrong) definition[cut]! ^= 1;
    const bytes = encodeLevels(definition, value === 1 ? 1 : 2, random);
    expect(checkConstant(bytes, 0, bytes.length, value, definition.length)).toBe(!wrong);
    expect(checkConstant(bytes, 0, bytes.length >> 1, value, definition.length)).toBe(false);
  }
});

it('unpacks snappy as written down, whatever the distance and length of a copy', () => {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const { snappy } = pageKernels(memory);
  const bytes = new Uint8Array(memory.buffer);
  const random = Random.of('snappy');
  const whole = (n: number) => Math.floor(random.uniform() * n);
  for (let trial = 0; trial < 300; trial++) {
    const [packed, want]: [number[], number[]] = [[], []];
    for (let k = 0; k < 20; k++) {
      if (want.length === 0 || whole(3) === 0) {
        const length = [1 + whole(60), 61 + whole(150), 257 + whole(600)][whole(3)]!;
        if (length <= 60) packed.push((length - 1) << 2);
        else if (length <= 256) packed.push(60 << 2, length - 1);
        else packed.push(61 << 2, (length - 1) & 255, (length - 1) >> 8);
        for (let i = 0; i < length; i++) {
          want.push(whole(256));
          packed.push(want.at(-1)!);
        }
      } else {
        const offset = 1 + whole(Math.min(want.length, whole(2) ? 24 : 2000));
        const kind = 1 + whole(3);
        const length = kind === 1 ? 4 + whole(8) : 1 + whole(64);
        if (kind === 1 && offset < 2048) packed.push(1 | ((length - 4) << 2) | ((offset >> 8) << 5), offset & 255);
        else if (kind === 3) packed.push(3 | ((length - 1) << 2), offset & 255, offset >> 8, 0, 0);
        else packed.push(2 | ((length - 1) << 2), offset & 255, offset >> 8);
        for (let i = 0; i < length; i++) want.push(want[want.length - offset]!);
      }
    }
    const head = want.length > 127 ? [(want.length & 127) | 128, want.length >> 7] : [want.length];
    const input = Uint8Array.from([...head, ...packed]);
    bytes.set(input, 100);
    bytes.fill(0, 100_000, 140_000);
    expect(snappy(100, 100 + input.length, 100_000, want.length)).toBe(1);
    expect([...bytes.subarray(100_000, 100_000 + want.length)]).toEqual(want);
    expect(snappy(100, 100 + input.length - 1, 100_000, want.length)).toBe(0);
    expect(snappy(100, 100 + input.length, 100_000, want.length - 1)).toBe(0);
  }
});
