/** A command that a page shows. */
export interface DocCommand {
  readonly page: string;
  /** From 1. */
  readonly line: number;
  /** As it stands, without its comment. */
  readonly text: string;
  /** Within a sentence, and not in a block of its own. */
  readonly inline: boolean;
}

const PROGRAMS = 'valet|npm|npx|node|bash|python3?|pip';
const STARTS = new RegExp(`^(?:[A-Z_][A-Z0-9_]*=\\S+ )*(?:${PROGRAMS})(?: |$)`);
/** Blocks of these languages hold commands. In a block without one, lines that begin with a program do. */
const SHELLS = ['sh', 'bash', 'shell', 'console'];

/** The commands of a Markdown page, in its order: of blocks of a shell, indented lines and code within sentences. */
export function commandsOf(page: string, markdown: string): DocCommand[] {
  const found: DocCommand[] = [];
  const lines = markdown.split('\n');
  const add = (line: number, text: string, inline: boolean): void => {
    for (const part of text.split(/ && /)) {
      const trimmed = part.trim();
      if (trimmed !== '') found.push({ page, line, text: trimmed, inline });
    }
  };
  let language: string | undefined;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const fence = /^\s*```+(\w*)/.exec(line);
    if (fence) {
      language = language === undefined ? (fence[1] ?? '') : undefined;
      continue;
    }
    const number = i + 1;
    if (language !== undefined) {
      if (!SHELLS.includes(language) && language !== '') continue;
      let text = line.trim();
      while (text.endsWith('\\') && i + 1 < lines.length) text = `${text.slice(0, -1).trim()} ${lines[++i]?.trim()}`;
      text = text.replace(/(^|\s+)#(\s.*)?$/, '').replace(/^\$ /, '');
      if (text !== '' && (language !== '' || STARTS.test(text))) add(number, text, false);
      continue;
    }
    const indented = /^ {4,}(\S.*)$/.exec(line)?.[1];
    if (indented && STARTS.test(indented)) {
      add(number, indented, false);
      continue;
    }
    for (const [, code = ''] of line.matchAll(/`([^`]+)`/g))
      if (STARTS.test(code)) add(number, code.replaceAll('\\|', '|'), true);
  }
  return found;
}

/** The examples at the end of a page of help: lines that begin with `$`. */
export function examplesOf(page: string, help: string): DocCommand[] {
  return help.split('\n').flatMap((line, i) => {
    const text = /^\s+\$ (.*)$/.exec(line)?.[1];
    return text === undefined
      ? []
      : text.split(' && ').map((part) => ({ page, line: i + 1, text: part.trim(), inline: false }));
  });
}

/** Something in place of which the reader puts his own: `[--json]`, `DIR…`, `a|b`; in a sentence also `DIR`. */
export function isForm({ text, inline }: DocCommand): boolean {
  const words = text.replaceAll(/'[^']*'|"[^"]*"/g, '');
  return (
    /[[\]…]|\w\|\w|<\w[\w-]*>/.test(words) ||
    (inline && /(^|\s|\/)[A-Z]+(\.\w+)?(?=\s|$)/.test(words.replace(/^([A-Z_]+=\S+ )+/, '')))
  );
}

/** The words of a command as a shell splits them, quotes taken off. */
export function wordsOf(text: string): string[] {
  return [...text.matchAll(/(?:'([^']*)'|"([^"]*)"|[^\s'"])+/g)].map(([word]) => word.replaceAll(/['"]/g, ''));
}
