import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { wordsOf } from './commands.ts';

const execute = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** Whether what a command names is there: looked up in help texts, scripts and files, without running it. */
export class Names {
  private readonly helps = new Map<string, Promise<string>>();

  /** `environment` has the installed `valet` on its path; `folder` is where it is installed. */
  constructor(
    private readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** The command of `valet` that words begin with, such as `home demos`; undefined for another program. */
  async subcommand(words: readonly string[]): Promise<string | undefined> {
    const rest = afterProgram(words);
    if (!rest) return undefined;
    const [first = '', ...more] = rest;
    // `valet --help`, `valet COMMAND --help`.
    if (!/^[a-z]/.test(first)) return '';
    let name = first;
    for (const word of more) {
      if (!(await this.children(name)).includes(word)) break;
      name = `${name} ${word}`;
    }
    return name;
  }

  /** What is wrong with the names in a command; undefined where nothing is. */
  async wrong(text: string): Promise<string | undefined> {
    const words = wordsOf(text).filter((word, i, all) => !(/^[A-Z_]+=/.test(word) && all.slice(0, i).every(isSetting)));
    const subcommand = await this.subcommand(words);
    if (subcommand !== undefined) return this.wrongOptions(subcommand, words);
    const [program, first = '', second = '', ...more] = words;
    if (program === 'npm' && first === 'run' && second !== '') {
      const name = second.startsWith('-') ? (more[0] ?? '') : second;
      if (!scripts[name]) return `package.json has no script '${name}'`;
      const argument = more[more.indexOf('--') + 1];
      if (name === 'interop' && argument && /^\w/.test(argument) && !existsSync(join(ROOT, 'interop', argument)))
        return `there is no check 'interop/${argument}'`;
      if (name === 'bench')
        return this.wrongOptions('bench', ['valet', 'bench', ...more.filter((word) => word !== '--')]);
    }
    const file = program === 'bash' || program === 'node' ? first : program === 'npx' && first === 'tsx' ? second : '';
    if (/^[\w./-]+\.\w+$|^\.ci\//.test(file) && ![ROOT, this.folder].some((root) => existsSync(join(root, file))))
      return `there is no file ${file}`;
    return undefined;
  }

  private async wrongOptions(subcommand: string, words: readonly string[]): Promise<string | undefined> {
    const help = await this.help(subcommand);
    if (help === '') return `valet has no command '${subcommand}'`;
    const options = words.flatMap((word) => /^\[?(--[a-z][\w-]*)/.exec(word)?.[1] ?? []);
    const unknown = options.find((option) => option !== '--help' && !new RegExp(`${option}(?![\\w-])`).test(help));
    if (unknown) return `valet ${subcommand} has no option ${unknown}`;
    if (subcommand !== 'bench') return undefined;
    const name = words[2] ?? '';
    return /^[a-z]+$/.test(name) && !new RegExp(`\\b${name}\\b`).test(help) ? `no benchmark '${name}'` : undefined;
  }

  /** A page of help, '' where there is none. */
  help(subcommand: string): Promise<string> {
    const known = this.helps.get(subcommand);
    if (known) return known;
    const args = [...subcommand.split(' ').filter(Boolean), '--help'];
    const asked = execute('valet', args, { env: this.environment }).then(
      ({ stdout }) => stdout,
      () => '',
    );
    this.helps.set(subcommand, asked);
    return asked;
  }

  /** The names of the commands below one (`''`: all commands). */
  async children(subcommand: string): Promise<string[]> {
    const listed = (await this.help(subcommand)).split('\nCommands:')[1] ?? '';
    return [...listed.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
  }
}

const isSetting = (word: string): boolean => /^[A-Z_]+=/.test(word);

/** The words behind `valet`, however it is called; undefined for another program. */
function afterProgram(words: readonly string[]): string[] | undefined {
  for (const start of ['valet', 'npx valet', 'node dist/valet.js', 'npm run valet --', 'npm run -s valet --'])
    if (`${words.join(' ')} `.startsWith(`${start} `)) return words.slice(start.split(' ').length);
  return undefined;
}
