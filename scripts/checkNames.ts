import ts from 'typescript';
import { type Finding, isTest, type Source } from './sources.ts';

/** Names that several files of src/ export on purpose, each with the reason. */
const SHARED_NAMES: Readonly<Record<string, string>> = {
  command: 'every file of src/cli/ exports its command under this name; main.ts loads them alike',
};

/** Where names may stand that stand elsewhere with another meaning: the place makes the meaning plain. */
const PLACES: readonly { place: string; why: string }[] = [
  { place: 'src/tensor/ops/', why: 'ops have the names that numerics gives them; arithmetic on plain numbers, too' },
  { place: 'src/tensor/graph/primitives.ts', why: "ONNX's operators under ONNX's names, always written `onnx.name`" },
];

/** One meaning per exported name: a value or type that two files of src/ declare and export under one name. */
export function duplicateExports(files: readonly Source[]): Finding[] {
  const declared = new Map<string, { path: string; line: number }[]>();
  for (const file of files.filter(({ path }) => path.startsWith('src/') && !isTest(path)))
    for (const { name, line } of exportsOf(file)) {
      if (name in SHARED_NAMES) continue;
      if (PLACES.some(({ place }) => file.path.startsWith(place))) continue;
      declared.set(name, [...(declared.get(name) ?? []), { path: file.path, line }]);
    }
  return [...declared].flatMap(([name, [first, ...others]]) =>
    first && others.some(({ path }) => path !== first.path)
      ? others.map(({ path, line }) => ({
          path,
          line,
          text: `'${name}' is exported by ${first.path}:${first.line}, too. Rename one, or share one.`,
        }))
      : [],
  );
}

/** What a file declares and exports itself; names that it only hands on are not among them. */
export function exportsOf({ path, text }: Source): { name: string; line: number }[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const at = (node: ts.Node) => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
  const found: { name: string; line: number }[] = [];
  const imported = new Set<string>();
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement)) {
      const { name, namedBindings } = statement.importClause ?? {};
      if (name) imported.add(name.text);
      if (namedBindings && ts.isNamedImports(namedBindings))
        for (const element of namedBindings.elements) imported.add(element.name.text);
    }
    if (ts.isExportDeclaration(statement) && !statement.moduleSpecifier && statement.exportClause) {
      if (ts.isNamedExports(statement.exportClause))
        for (const element of statement.exportClause.elements)
          if (!imported.has((element.propertyName ?? element.name).text))
            found.push({ name: element.name.text, line: at(element) });
    }
    const exported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!exported) continue;
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations)
        for (const each of namesIn(name)) found.push({ name: each.text, line: at(each) });
    else if (
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isEnumDeclaration(statement)
    ) {
      // Overloads, and a type beside a value of its name, are one name.
      const name = statement.name?.text;
      if (name && !found.some((other) => other.name === name)) found.push({ name, line: at(statement) });
    }
  }
  return found.filter(({ name }, i) => found.findIndex((other) => other.name === name) === i);
}

function namesIn(name: ts.BindingName): ts.Identifier[] {
  if (ts.isIdentifier(name)) return [name];
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : namesIn(element.name)));
}

const FILE_NAME = /^[a-z][a-zA-Z0-9]*(\.(worker|test|config|golden\.test|d))*\.(ts|mts)$/;
const FOLDER_NAME = /^\.?[a-z][a-zA-Z0-9]*$/;

/** Names of files, and of the folders of src/, are in camelCase. */
export function fileNames(paths: readonly string[]): Finding[] {
  return paths.flatMap((path) => {
    const parts = path.split('/');
    const file = parts.pop() ?? '';
    const folder = path.startsWith('src/') ? parts.find((part) => !FOLDER_NAME.test(part)) : undefined;
    if (!FILE_NAME.test(file)) return [{ path, line: 1, text: `the file's name is not in camelCase (got '${file}').` }];
    return folder ? [{ path, line: 1, text: `a folder's name is not in camelCase (got '${folder}').` }] : [];
  });
}
