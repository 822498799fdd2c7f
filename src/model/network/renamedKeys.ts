import { InputError } from '../../base/index.ts';

/** Keys of the model's configuration in earlier versions and in the original, and what they are called here. */
const RENAMED: Readonly<Record<string, string>> = {
  fast: 'useFastAuxiliary, fastLossWeight, fastVocabSize and maxFastTokens',
  insulation: 'useKnowledgeInsulation',
  stageLossWeight: 'subtaskLossWeight',
  numFlowSamples: 'flowSamples',
};

/**
 * What an old key of the model's configuration is called now; the original's own spelling (`use_fast_auxiliary`) is
 * known too. undefined for a key that never was.
 */
export function renamedModelKey(key: string, known: Iterable<string>): string | undefined {
  if (Object.hasOwn(RENAMED, key)) return RENAMED[key];
  const camel = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  if (camel === key) return undefined;
  return Object.hasOwn(RENAMED, camel) ? RENAMED[camel] : [...known].find((name) => name === camel);
}

/** @throws InputError that names the new key of one that was renamed */
export function refuseRenamedKeys(input: unknown, known: readonly string[], where: string): void {
  if (typeof input !== 'object' || input === null) return;
  for (const key of Object.keys(input)) {
    const now = known.includes(key) ? undefined : renamedModelKey(key, known);
    if (now !== undefined) throw new InputError(where, `the key ${key} is now ${now}. Rename it (docs/switches.md).`);
  }
}
