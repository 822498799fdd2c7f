/**
 * Every reference to a page resolves inside the repository: `docs/x.md` and `docs/x.md#anchor` anywhere in source,
 * tests, scripts and pages; links and pictures in pages. No page and no comment cites papers that are not here.
 *
 *   tsx scripts/checkReferences.ts      one line `file:line: what` for each broken one; exit code 1 when there is any
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { present } from '../src/base/index.ts';

/** To a path, relative to the file (`link`) or to the repository (`page`), or to what is not here (`foreign`). */
export interface Reference {
  readonly line: number;
  readonly kind: 'link' | 'page' | 'foreign';
  readonly path: string;
  readonly anchor?: string;
}

/** The anchor that GitHub gives to a heading, without the number that a repeated one gets. */
export function slug(heading: string): string {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<[^>]*>/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** The anchors of a page: its headings outside code, repeated ones numbered, and `id`s and `name`s of HTML. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  for (const line of withoutCode(markdown)) {
    for (const [, name] of line.matchAll(/<[^>]*\b(?:id|name)="([^"]+)"/g)) anchors.add(present(name, 'name'));
    const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const name = slug(heading);
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    anchors.add(times === 0 ? name : `${name}-${times}`);
  }
  return anchors;
}

/** Lines of a page; those of fenced code are empty. */
function withoutCode(markdown: string): string[] {
  let fence: string | undefined;
  return markdown.split('\n').map((line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined) {
      fence = mark;
      return mark ? '' : line;
    }
    if (mark?.startsWith(fence)) fence = undefined;
    return '';
  });
}

/** A page below docs/, not as a part of a longer path or an address. */
const PAGE = /(?<![\w./:-])docs\/[\w./-]+?\.md(?:#([\w-]+))?/g;
/** The target of `[text](target)` or `![text](target "title")`, whatever the text holds. */
const LINK = /\]\(\s*<?([^\s()<>]+(?:\([^\s()]*\))?)>?(?:\s+["'][^"']*["'])?\s*\)/g;
/** `[name]: target` and HTML's `src` and `href`. */
const DEFINITION = /^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?/g;
const HTML = /<(?:img|a|source)\b[^>]*\b(?:src|href)="([^"]+)"/g;
/** Papers that are not in the repository: they have pages in docs/ now. */
const FOREIGN = [
  /\bFACTS(?:\.md\b|\s+(?:section\s+)?\d+(?:\.\d+)*)/g,
  /\b(?:ENGINE|SIM|CONTRACT|ARCHITECTURE|STYLE)\.md\b/g,
  /\b(?:ENGINE|SIM|CONTRACT)(?=,|\s+(?:rule|section)\b)/g,
  /\.\.\/shared\/(?:facts|design|golden|prototypes)\b/g,
];

/** All references of one file. Links count in pages (`.md`) only, outside of code. */
export function findReferences(text: string, name: string): Reference[] {
  const found: Reference[] = [];
  const markdown = name.endsWith('.md');
  const prose = markdown ? withoutCode(text) : [];
  text.split('\n').forEach((whole, index) => {
    const line = index + 1;
    for (const pattern of FOREIGN)
      for (const [path] of whole.matchAll(pattern)) found.push({ line, kind: 'foreign', path });
    // A link's own target is not a page besides.
    let rest = whole;
    if (markdown) {
      // Code within a line shows links that are none.
      const shown = present(prose[index], 'prose[index]').replace(/`[^`]*`/g, (code) => ' '.repeat(code.length));
      for (const pattern of [LINK, DEFINITION, HTML])
        for (const match of shown.matchAll(pattern)) {
          const target = present(match[1], 'match[1]');
          rest = rest.replace(target, '');
          if (/^[a-z][a-z\d+.-]*:|^\/\//i.test(target)) continue;
          const [path, anchor] = target.split('#', 2) as [string, string?];
          found.push({ line, kind: 'link', path: decodeURI(path), ...(anchor && { anchor: decodeURI(anchor) }) });
        }
    }
    for (const [whole, anchor] of rest.matchAll(PAGE))
      found.push({
        line,
        kind: 'page',
        path: present(whole.split('#')[0], 'whole.split(#)[0]'),
        ...(anchor && { anchor }),
      });
  });
  return found;
}

/**
 * What is wrong with a reference, or undefined.
 * @param from the file that holds it, absolute
 */
export function problemOf(reference: Reference, from: string, root: string): string | undefined {
  const { kind, path, anchor } = reference;
  if (kind === 'foreign') return `${path} is not in the repository. Cite a page: docs/facts.md#…, docs/engine.md#…`;
  const target =
    path === '' ? from : resolve(kind === 'page' || path.startsWith('/') ? root : dirname(from), `./${path}`);
  if (relative(root, target).startsWith('..')) return `${path} lies outside the repository`;
  if (!existsSync(target)) return `${path} does not exist`;
  if (anchor === undefined || !target.endsWith('.md') || statSync(target).isDirectory()) return undefined;
  const anchors = anchorsOf(readFileSync(target, 'utf8'));
  if (anchors.has(anchor)) return undefined;
  const there = [...anchors].map((one) => `#${one}`).join(' ');
  return `${path || relative(root, from)} has no heading #${anchor} (there are ${there})`;
}

const TEXT = /\.(?:ts|mts|cts|js|cjs|mjs|jsx|tsx|md|py|json|sh|yml|yaml|toml|cfg|html|css|wat)$/;
/** Text in which papers are named on purpose, or that was written by others. */
const LEFT_OUT = /^scripts\/checkReferences(?:\.test)?\.ts$|(?:^|\/)package-lock\.json$/;
/** Data of the golden cases: large, and none of it cites a page. */
const DATA = /^(?:test\/(?:golden|twins)|policies|docs\/results)\/.*\.json$/;

/** `file:line: what` for every broken reference of the repository at `root`. */
export function checkRepository(root: string): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const files = [...new Set(listed.split('\0'))].filter(
    (file) => TEXT.test(file) && !LEFT_OUT.test(file) && !DATA.test(file) && existsSync(join(root, file)),
  );
  return files.sort().flatMap((file) =>
    findReferences(readFileSync(join(root, file), 'utf8'), file).flatMap((reference) => {
      const problem = problemOf(reference, join(root, file), root);
      return problem === undefined ? [] : [`${file}:${reference.line}: ${problem}`];
    }),
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = checkRepository(resolve(import.meta.dirname, '..'));
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
