import ts from 'typescript';
import { type Finding, isTest, type Source } from './sources.ts';

/** No line is longer: code, comments and strings alike. */
export const MOST_COLUMNS = 120;
export const MOST_CLASS_LINES = 200;
export const MANY_FILE_LINES = 400;

/** Files whose long lines are data, with the reason. */
const DATA: Readonly<Record<string, string>> = {
  'src/evaluate/report/client/details.ts': "the page's program, text for a browser",
  'src/evaluate/report/client/list.ts': "the page's program, text for a browser",
  'src/evaluate/report/client/load.ts': "the page's program, text for a browser",
  'src/evaluate/report/client/main.ts': "the page's program, text for a browser",
  'src/evaluate/report/client/player.ts': "the page's program, text for a browser",
  'src/evaluate/curves/curvesClient.ts': "the page's program, text for a browser",
  'src/evaluate/curves/curvesStyle.ts': "the page's style sheet",
  'src/evaluate/curves/curvesPage.ts': "the page's markup",
  'src/evaluate/report/style.ts': "the page's style sheet",
  'src/evaluate/report/page.ts': "the page's markup",
  'src/evaluate/report/figure.ts': "the figure's markup",
  'src/evaluate/report/theatre.ts': "the player's markup",
  'src/evaluate/samples/samplesPage.ts': "the page's markup",
  'src/evaluate/samples/samplesStyle.ts': "the page's style sheet",
  'src/evaluate/report/lineColours.ts': "the page's style sheet",
  'src/evaluate/audit/auditPage.ts': "the audit page's markup",
  'src/evaluate/audit/sourceCurve.ts': "the figure's markup",
  'src/home/world/robot.ts': 'MJCF',
  'src/home/world/scene.ts': 'MJCF',
  'src/home/world/hands.ts': 'MJCF',
  'src/home/world/scenery.ts': 'MJCF',
  'src/home/tasks/turningOnRadio/task.ts': 'MJCF',
  'src/home/tasks/pickingUpTrash/task.ts': 'MJCF',
  'src/action/fast/fast.test.ts': 'a regular expression',
};

/** Lines longer than 120 columns, outside data and what has no place to break (an address in a comment). */
export function longLines(files: readonly Source[]): Finding[] {
  return files
    .filter(({ path }) => !(path in DATA))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        const columns = [...line].length;
        if (columns <= MOST_COLUMNS || UNBREAKABLE.test(line)) return [];
        return [{ path, line: index + 1, text: `${columns} columns: ${line.trim().slice(0, 80)}…` }];
      }),
    );
}

/** One long word in a comment, as an address is. */
const UNBREAKABLE = /^\s*(\/\/|\/?\*+)\s*\S+\s*(\*\/)?$/;

/** Classes of src/ of more than 200 lines. */
export function largeClasses(files: readonly Source[]): Finding[] {
  return files
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .flatMap(({ path, text }) => {
      const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
      const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line;
      const found: Finding[] = [];
      const look = (node: ts.Node): void => {
        if (ts.isClassLike(node)) {
          const first = lineOf(node.getStart(file));
          const lines = lineOf(node.end) - first + 1;
          if (lines > MOST_CLASS_LINES)
            found.push({
              path,
              line: first + 1,
              text: `class ${node.name?.text ?? '(no name)'} has ${lines} lines (at most ${MOST_CLASS_LINES}).`,
            });
        }
        node.forEachChild(look);
      };
      look(file);
      return found;
    });
}

/** Files of more than 400 lines: worth a look, no mistake. */
export function largeFiles(files: readonly Source[]): Finding[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    return lines > MANY_FILE_LINES ? [{ path, line: 1, text: `${lines} lines.` }] : [];
  });
}
