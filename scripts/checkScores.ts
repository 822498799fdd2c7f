/**
 * Fails when episodes that were just played are not those of a committed ledger.
 *
 *     tsx scripts/checkScores.ts FOLDER docs/results/household
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareScores, readLines } from './compareScores.ts';

const [again, committed] = process.argv.slice(2);
if (again === undefined || committed === undefined) throw new Error('checkScores: name two evaluation folders.');
const text = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
const cpu = (folder: string): unknown => JSON.parse(text(folder, 'run.json')).cpu;
const sameMachine = cpu(again) === cpu(committed);
const lines = readLines(text(again, 'ledger.jsonl'));
const problems = compareScores(lines, readLines(text(committed, 'ledger.jsonl')), sameMachine);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`${committed} is of other code: play it anew and correct the README, or find what moved the scores.`);
  process.exitCode = 1;
} else console.log(`${lines.length} episodes: the scores of ${committed} stand${sameMachine ? ', to the step' : ''}`);
