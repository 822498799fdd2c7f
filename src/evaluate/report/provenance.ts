import type { RunFile } from '../ledger/index.ts';

/** What made an evaluation's scores, in words: code, weights, statistics, how they were chosen, seeds, versions. */
export function provenanceOf({ code, resumedBy, checkpoints, server, fingerprint }: RunFile): [string, string][] {
  const commit = (of: { version: string; commit: string }) => `Valet ${of.version}, commit ${of.commit}`;
  const lines: [string, string][] = [['code', code ? commit(code) : 'not recorded']];
  if (resumedBy) lines.push(['gone on with by', resumedBy.map(commit).join('; ')]);
  if (fingerprint.policy['kind'] === 'remote')
    lines.push(['code of the server', server ? commit(server) : 'the server does not say']);
  const weighed = ['checkpoint', 'remote'].includes(String(fingerprint.policy['kind']));
  if (weighed && !checkpoints?.length) lines.push(['checkpoint', 'not told']);
  for (const { hash, statistics, selection } of checkpoints ?? [])
    lines.push(
      ['checkpoint (SHA-256)', hash],
      ['statistics (SHA-256)', statistics ?? 'none'],
      ['how it was chosen', selection],
    );
  lines.push(['seeds', fingerprint.seed ?? 'none: they have no effect']);
  for (const [name, version] of Object.entries(fingerprint.versions)) lines.push([`version of ${name}`, version]);
  return lines;
}
