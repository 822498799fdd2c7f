import type { RunFile } from '../ledger/index.ts';

/** What is known of where the statistics come from, after their hash. */
const ORIGIN: Readonly<Record<string, string>> = {
  true: ', which it was trained with',
  false: ' — NOT those that it was trained with',
  null: ' (which it was trained with is not recorded)',
};

/** What made an evaluation's scores, in words: code, weights, statistics, how they were chosen, seeds, versions. */
export function provenanceOf(run: RunFile): [string, string][] {
  if (run.fingerprint.policy['kind'] === 'official') return officialProvenance(run);
  const { code, resumedBy, checkpoints, checkpointsAtEnd, server, fingerprint } = run;
  const commit = (of: { version: string; commit: string }) => `Valet ${of.version}, commit ${of.commit}`;
  const lines: [string, string][] = [['code', code ? commit(code) : 'not recorded']];
  if (resumedBy) lines.push(['gone on with by', resumedBy.map(commit).join('; ')]);
  if (fingerprint.policy['kind'] === 'remote')
    lines.push(['code of the server', server ? commit(server) : 'the server does not say']);
  const weighed = ['checkpoint', 'remote'].includes(String(fingerprint.policy['kind']));
  if (weighed && !checkpoints?.length) lines.push(['checkpoint', 'not told']);
  for (const { hash, statistics, ownStatistics, selection } of checkpoints ?? [])
    lines.push(
      ['checkpoint (SHA-256)', hash],
      ['statistics (SHA-256)', `${statistics ?? 'none'}${ORIGIN[String(ownStatistics)]}`],
      ['how it was chosen', selection],
    );
  for (const { hash } of checkpointsAtEnd ?? []) lines.push(['served at the end, NOT the same (SHA-256)', hash]);
  lines.push(['seeds', fingerprint.seed ?? 'none: they have no effect']);
  for (const [name, version] of Object.entries(fingerprint.versions)) lines.push([`version of ${name}`, version]);
  return lines;
}

/** Of results that somebody else's evaluator wrote: what it tells. */
function officialProvenance({ fingerprint: { policy, versions } }: RunFile): [string, string][] {
  const how =
    policy['scoresOnly'] === true ? 'published scores, without anything else' : 'files of the official evaluator';
  return [
    ['taken in from', String(policy['source'])],
    ['which are', how],
    ['challenge', versions['challenge'] ?? 'not told'],
    ['code, weights, seeds', 'not told by these files'],
  ];
}
