/** Asks the rules of a table that are on, in the table's order; the first that says something, and what. */
export function firstToSpeak<Name extends string, Rule, Said>(
  rules: Readonly<Record<Name, Rule>>,
  on: readonly string[],
  ask: (rule: Rule) => Said | undefined,
): { readonly rule: Name; readonly said: Said } | undefined {
  for (const rule of Object.keys(rules) as Name[]) {
    const said = on.includes(rule) ? ask(rules[rule]) : undefined;
    if (said) return { rule, said };
  }
  return undefined;
}
