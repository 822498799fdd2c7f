import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type FileServer, serveFiles } from '../support/fileServer.ts';

const execute = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/** What pages take for granted: how it is made, in a folder where what it `needs` stands. */
const FIXTURES: Readonly<Record<string, { readonly needs?: readonly string[]; readonly make: string }>> = {
  demos: {
    make: 'valet home demos --tasks turning_on_radio,picking_up_trash --episodes 1 --clip 2.6 --out demos',
  },
  'more-demos': { needs: ['demos'], make: 'cp -a demos more-demos' },
  corrections: { needs: ['demos'], make: 'cp -a demos corrections' },
  rollouts: {
    make:
      'valet eval --policy household --tasks turning_on_radio --instances train --episodes 1 --max-steps 40 ' +
      '--out rolled --record-data rollouts --no-report',
  },
  stats: { needs: ['demos'], make: 'valet stats demos --out stats' },
  run: {
    needs: ['demos', 'stats'],
    make: 'valet train --config nano --data demos --stats stats/norm_stats.json --out run --steps 1 --set batch=2',
  },
  run2: { needs: ['run'], make: 'cp -a run run2' },
  'out/first': { needs: ['run'], make: 'mkdir -p out && cp -a run out/first' },
  'out/second': { needs: ['run'], make: 'mkdir -p out && cp -a run out/second' },
  'path/to/checkpoint': {
    needs: ['demos', 'stats'],
    make:
      'valet train --config dummy --data demos --stats stats/norm_stats.json --out dummy --steps 1 --set batch=1 && ' +
      'mkdir -p path/to && valet export dummy/checkpoints/latest --format openpi --partial --out path/to/checkpoint',
  },
  pi05_base: { make: `cp -a ${ROOT}/test/golden/checkpoint-pi05-base/checkpoint pi05_base` },
  policy: { needs: ['path/to/checkpoint'], make: 'valet import path/to/checkpoint --out policy' },
  policy8: { needs: ['path/to/checkpoint'], make: 'valet import path/to/checkpoint --out policy8 --dtype int8' },
  CHECKPOINT: { needs: ['policy'], make: 'cp -a policy CHECKPOINT' },
  policies: { make: 'cp -a "$PACKAGE/policies" policies' },
  tokenizer: { needs: ['demos'], make: 'valet tokenizer fit demos --out tokenizer' },
  recordings: {
    make:
      'valet serve --checkpoint household --record recordings --port 0 > served & server=$!; ' +
      'for i in $(seq 300); do [ -s served ] && break; sleep 0.2; done; ' +
      'valet eval --policy "$(grep -o "ws://[^\\"]*" served)" --tasks turning_on_radio --instances 0 --max-steps 40 ' +
      '--out recorded && kill $server && wait $server',
  },
  result: { make: 'valet eval --policy hold --instances 0 --max-steps 40 --out result' },
  results: {
    make:
      'valet eval --policy hold --tasks turning_on_radio --instances 0 --max-steps 40 --out held && ' +
      'mkdir results && cp -a held/json results/json',
  },
  'standard.Team_A.Lab.2025-11-15': { needs: ['results'], make: 'cp -a results standard.Team_A.Lab.2025-11-15' },
  'standard.Team_B.Lab.2025-11-15': { needs: ['results'], make: 'cp -a results standard.Team_B.Lab.2025-11-15' },
  examples: { make: 'cp -a "$PACKAGE/examples" examples' },
  'task_checkpoint_mapping.json': {
    make: 'echo "{\\"default\\": \\"$PACKAGE/policies/household\\"}" > task_checkpoint_mapping.json',
  },
  'my.json': { make: 'valet train --print-config nano > my.json' },
  key: { make: 'echo secret-of-a-robot > key' },
  'cert.pem': {
    make: 'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem',
  },
  'key.pem': { needs: ['cert.pem'], make: 'true' },
};
/** Words after these are made by the command. */
const OUTPUTS = ['--out', '--record', '--record-data'];

/** The server that pages read data sets from. */
const DATA_HOST = 'https://data.example.org';

/** Makes what commands need, each once, and puts it where they run. */
export class Fixtures {
  private readonly made = new Map<string, Promise<void>>();
  private server: Promise<FileServer> | undefined;

  constructor(
    private readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** Puts what `words` name, and do not find in `folder`, there. */
  async provide(words: readonly string[], folder: string): Promise<void> {
    for (const [i, word] of words.entries())
      for (const name of Object.keys(FIXTURES)) {
        // A data set may have a weight, `demos:0.4`.
        if (word !== name && !word.startsWith(`${name}/`) && !word.startsWith(`${name}:`)) continue;
        const isOutput = OUTPUTS.includes(words[i - 1] ?? '') && name !== 'CHECKPOINT';
        if (isOutput || existsSync(join(folder, name))) continue;
        await this.make(name);
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await cp(join(this.folder, name), join(folder, name), { recursive: true, verbatimSymlinks: true });
      }
  }

  /** A command with a server of this machine in place of the pages' one, which has what the command names there. */
  async served(text: string): Promise<string> {
    const names = [...text.matchAll(/https:\/\/data\.example\.org\/([\w-]+)/g)].map(([, name = '']) => name);
    if (names.length === 0) return text;
    for (const name of names) await this.make(name);
    this.server ??= serveFiles(this.folder);
    return text.replaceAll(DATA_HOST, (await this.server).address);
  }

  private make(name: string): Promise<void> {
    const known = this.made.get(name);
    if (known) return known;
    const { needs = [], make } = FIXTURES[name] ?? { make: 'false' };
    const making = Promise.all(needs.map((need) => this.make(need))).then(async () => {
      await execute('bash', ['-ec', make], { cwd: this.folder, env: this.environment, maxBuffer: 2 ** 26 }).catch(
        (error: Error & { stderr?: string }) => {
          throw new Error(`${name} cannot be made: ${make}\n${error.stderr ?? error.message}`);
        },
      );
    });
    this.made.set(name, making);
    return making;
  }
}
