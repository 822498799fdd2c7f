import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ledgerLine, temporaryFolder } from '../../../test/support/evaluate.ts';
import { Ledger, openUnits, readLedger, settled } from './ledger.ts';
import { unitsOf } from './unit.ts';

const root = await temporaryFolder();

describe('ledger', () => {
  it('goes on after a crash in the middle of a line', async () => {
    const folder = join(root, 'torn');
    const first = await Ledger.open(folder);
    await first.append(ledgerLine({ instance: 0 }));
    await first.append(ledgerLine({ instance: 1 }));
    await first.close();
    const path = join(folder, 'ledger.jsonl');
    await appendFile(path, JSON.stringify(ledgerLine({ instance: 2 })).slice(0, 40));
    expect((await readLedger(folder)).map((line) => line.instance)).toEqual([0, 1]);
    const second = await Ledger.open(folder);
    expect(openUnits(unitsOf(['turning_on_radio'], [0, 1, 2]), second.lines)).toMatchObject([
      { unit: { instance: 2 }, attempts: 0 },
    ]);
    await second.append(ledgerLine({ instance: 2, q: 1 }));
    await second.close();
    expect((await readLedger(folder)).map((line) => [line.instance, line.q])).toEqual([
      [0, 0.5],
      [1, 0.5],
      [2, 1],
    ]);
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(4);
  });

  it('a line without its end does not count, even when it is whole otherwise', async () => {
    const folder = join(root, 'unended');
    await (await Ledger.open(folder)).close();
    await writeFile(join(folder, 'ledger.jsonl'), JSON.stringify(ledgerLine()));
    expect(await readLedger(folder)).toEqual([]);
  });

  it('names file and line of what is no ledger line', async () => {
    const folder = join(root, 'damaged');
    await (await Ledger.open(folder)).close();
    for (const name of ['ledger.jsonl', 'ledger.copy.jsonl'])
      await writeFile(join(folder, name), `${JSON.stringify(ledgerLine())}\nnot json\n`);
    await expect(readLedger(folder)).rejects.toThrow(/ledger\.jsonl:2/);
  });

  it.each(['ledger.jsonl', 'ledger.copy.jsonl'])('takes from its copy what %s lacks', async (name) => {
    const folder = join(root, `copied-${name}`);
    const ledger = await Ledger.open(folder);
    for (let instance = 0; instance < 4; instance++) await ledger.append(ledgerLine({ instance }));
    await ledger.close();
    const path = join(folder, name);
    const whole = await readFile(path, 'utf8');
    const [first, ...rest] = whole.split('\n');
    for (const damaged of ['', '{}\n', whole.slice(0, 500), rest.join('\n'), `${first}\n\0\0\0\n${rest.join('\n')}`]) {
      await writeFile(path, damaged);
      expect((await readLedger(folder)).map(({ instance }) => instance)).toEqual([0, 1, 2, 3]);
      await (await Ledger.open(folder)).close();
      expect(await readFile(path, 'utf8')).toBe(whole);
    }
    await rm(path);
    const again = await Ledger.open(folder);
    expect(again.lines).toHaveLength(4);
    await again.close();
    expect(await readFile(path, 'utf8')).toBe(whole);
  });

  it('keeps the order of lines that are appended at the same time', async () => {
    const folder = join(root, 'parallel');
    const ledger = await Ledger.open(folder);
    await Promise.all(Array.from({ length: 20 }, (_, instance) => ledger.append(ledgerLine({ instance }))));
    await ledger.close();
    expect((await readLedger(folder)).map((line) => line.instance)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

describe('what counts', () => {
  const invalid = (attempt: number) => ledgerLine({ state: 'invalid', attempt, reason: 'BADQACC' });

  it('a unit is open until it was played to an end, however often it was tried', () => {
    const units = unitsOf(['turning_on_radio'], [0]);
    expect(openUnits(units, [])).toEqual([{ unit: units[0], attempts: 0 }]);
    expect(openUnits(units, [invalid(1), invalid(2)])).toEqual([{ unit: units[0], attempts: 2 }]);
    expect(openUnits(units, [invalid(1), ledgerLine({ attempt: 2 })])).toEqual([]);
  });

  it('a later done line takes the place of an invalid one, never the other way round', () => {
    expect(settled([invalid(1), ledgerLine({ attempt: 2 })])).toEqual([ledgerLine({ attempt: 2 })]);
    expect(settled([ledgerLine(), invalid(2)])).toEqual([ledgerLine()]);
  });
});
