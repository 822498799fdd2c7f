import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DocCommand, isForm, wordsOf } from './commands.ts';
import type { Fixtures } from './fixtures.ts';
import type { Names } from './names.ts';
import { NOT_RUN, OTHER_CODES, QUICK_FORMS, type QuickForm, SHORTER } from './quickForms.ts';
import { DocServer, freePorts, runCommand } from './runCommand.ts';

export type Report = (outcome: 'passed' | 'failed' | 'skipped', command: DocCommand, detail?: string) => void;

/** Where pages run, and with what. */
export interface Place {
  readonly root: string;
  readonly work: string;
  /** Where the package is installed. */
  readonly installed: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly names: Names;
  readonly fixtures: Fixtures;
  readonly report: Report;
}

/** Commands within sentences that ran already: they stand on several pages. */
const ran = new Set<string>();

/** One page: its blocks run one after another in a folder, each command within a sentence in one of its own. */
export class PageRun {
  private readonly folder: string;
  private readonly servers: { readonly command: DocCommand; readonly server: DocServer }[] = [];

  constructor(
    private readonly place: Place,
    page: string,
    private readonly commands: readonly DocCommand[],
  ) {
    this.folder = join(place.work, page.replaceAll(/[^\w.-]/g, '_'));
  }

  async run(): Promise<void> {
    for (const command of this.commands) {
      if (command.inline && ran.has(command.text)) continue;
      if (command.inline) ran.add(command.text);
      const begun = performance.now();
      try {
        const skipped = await this.one(command);
        const seconds = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
        if (skipped === undefined) this.place.report('passed', command, seconds);
        else this.place.report('skipped', command, skipped);
      } catch (error) {
        this.place.report('failed', command, (error as Error).message);
      }
    }
    for (const { command, server } of this.servers)
      await server.stop().catch((error: Error) => this.place.report('failed', command, error.message));
  }

  /** @returns why it was not run; undefined when it was. @throws Error that says what is wrong */
  private async one(command: DocCommand): Promise<string | undefined> {
    const { text } = command;
    const { names } = this.place;
    const wrong = await names.wrong(text);
    if (wrong) throw new Error(wrong);
    const notRun = NOT_RUN.find((each) => each.command.test(text));
    if (notRun) return notRun.why;
    if (isForm(command)) return 'a form: its names are there';
    if (command.inline && /^(npm( run)?|npx|node)$/.test(text)) return 'named only';
    const subcommand = await names.subcommand(wordsOf(text));
    if (subcommand === undefined)
      throw new Error('no quick form, and no reason not to run it (test/docs/quickForms.ts)');
    if (command.inline && subcommand === '' && !/ --/.test(text)) return 'named only';
    if (subcommand === '' || text.endsWith(' --help')) {
      await this.toEnd(command, text, this.cwd(command));
      return undefined;
    }
    const form = QUICK_FORMS[subcommand];
    if (!form) throw new Error(`no quick form of 'valet ${subcommand}' (test/docs/quickForms.ts)`);
    if (command.inline && !form.whole.test(text)) return 'named only: its names are there';
    const cwd = this.cwd(command);
    if (cwd !== this.place.root) await this.place.fixtures.provide(wordsOf(text.replace(subcommand, '')), cwd);
    const quick = await this.quick(text, form);
    if (form.server) await this.serve(command, quick, cwd);
    else await this.toEnd(command, quick, cwd);
    return undefined;
  }

  private cwd({ text, inline, line }: DocCommand): string {
    if (/ test\/(golden|twins)|^n(ode|pm) /.test(text)) return this.place.root;
    if (text.startsWith('npx ')) return this.place.installed;
    const folder = inline ? join(this.folder, `line-${line}`) : this.folder;
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  private async quick(text: string, form: QuickForm): Promise<string> {
    let quick = text;
    for (const [from, to] of SHORTER) quick = quick.replace(from, to);
    for (const [option, value] of Object.entries(form.values ?? {}))
      quick = quick.replace(new RegExp(`(${option}[ =])\\S+`), `$1${value}`);
    for (const [added, option = ''] of form.add?.matchAll(/(--[\w-]+)(?: (?!--)\S+)?/g) ?? [])
      if (option === '--set' || !new RegExp(`${option}(?![\\w-])`).test(quick))
        quick = quick.replace(/( [>|] .*)?$/, ` ${added}$1`);
    if (form.server) {
      const first = await freePorts(2);
      if (/--port \d+-\d+/.test(quick)) quick = quick.replace(/--port \S+/, `--port ${first}-${first + 1}`);
      else quick = `${quick.replace(/ --port \S+/, '')} --port ${first}`;
    }
    const url = this.servers.at(-1)?.server.url;
    return url ? quick.replaceAll(/wss?:\/\/127\.0\.0\.1:8000/g, url) : quick;
  }

  private async toEnd(command: DocCommand, quick: string, cwd: string): Promise<void> {
    if (/ws:\/\/127\.0\.0\.1:8000/.test(quick)) {
      await this.serve(command, `valet serve --checkpoint household --port ${await freePorts(1)}`, cwd);
      return this.toEnd(command, quick.replace(/ws:\/\/127\.0\.0\.1:8000/, this.servers.at(-1)?.server.url ?? ''), cwd);
    }
    const expected = OTHER_CODES.find(({ page, command: which }) => page === command.page && which.test(command.text));
    const here = await this.place.fixtures.served(quick);
    const { code, output } = await runCommand(here, cwd, this.place.environment);
    if (code !== (expected?.code ?? 0))
      throw new Error(`${quick}\nexit code ${code}\n${output.trim().split('\n').slice(-25).join('\n')}`);
  }

  private async serve(command: DocCommand, quick: string, cwd: string): Promise<void> {
    const server = await DocServer.start(quick, cwd, this.place.environment).catch((error: Error) => {
      throw new Error(`${quick}\n${error.message}`);
    });
    this.servers.push({ command, server });
    // Something must come and go before there is something to send again.
    if (/ --record /.test(quick))
      await this.toEnd(
        command,
        `valet eval --policy ${server.url} --tasks turning_on_radio --instances 0 --max-steps 40 --out while-recording`,
        cwd,
      );
  }
}
