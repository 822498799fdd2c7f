/** Kinds of values that a column of parquet can have, and DuckDB's names for them. */
const TYPES: Readonly<Record<string, string>> = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
};

/** Finds the types of columns that nothing describes, such as what an index says of episodes beyond its form. */
export class CellTypes {
  private readonly kinds = new Map<string, Set<string>>();

  add(name: string, value: unknown): void {
    const kinds = this.kinds.get(name) ?? new Set();
    this.kinds.set(name, kinds);
    if (value !== null && value !== undefined) for (const kind of kindsOf(value)) kinds.add(kind);
  }

  /** DuckDB's types by column; undefined for values of several kinds, or of one that a table has no place for. */
  all(): Map<string, string | undefined> {
    return new Map([...this.kinds].map(([name, kinds]) => [name, typeOf(kinds)]));
  }
}

/** `integer`, `number`, `string`, `boolean`, or the same in a list (`number[]`); `none` for anything else. */
function kindsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.length === 0 ? ['[]'] : value.flatMap(kindsOf).map((kind) => `${kind}[]`);
  if (typeof value === 'number') return [Number.isSafeInteger(value) ? 'integer' : 'number'];
  return [typeof value === 'string' || typeof value === 'boolean' ? typeof value : 'none'];
}

function typeOf(kinds: ReadonlySet<string>): string | undefined {
  const lists = new Set([...kinds].map((kind) => /(\[\])*$/.exec(kind)?.[0] ?? ''));
  // An empty list is one of whatever the others are.
  const bare = new Set([...kinds].map((kind) => kind.replace(/(\[\])*$/, '')).filter((kind) => kind !== ''));
  if (bare.has('number')) bare.delete('integer');
  const [[kind, another], [list = '', otherList]] = [bare, lists].map((set) => [...set]) as [string[], string[]];
  if (another !== undefined || otherList !== undefined) return undefined;
  if (kind === undefined) return list === '' ? undefined : `VARCHAR${list}`;
  const type = TYPES[kind];
  return type && `${type}${list}`;
}
