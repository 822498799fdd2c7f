import { escapeHtml } from '../../base/index.ts';
import { byRule, countLabels, FAILURE_LABELS, LABEL_RULES, type Label, ruleAgreement } from '../labels/index.ts';
import type { LedgerLine } from '../ledger/index.ts';

/** Why episodes failed: a bar a label, which opens to its episodes with their reasons. */
export function labelChart(labels: readonly Label[], lines: readonly LedgerLine[]): string {
  if (labels.length === 0) return '';
  const counts = countLabels(labels, lines);
  const most = Math.max(...counts.map(({ units }) => units.length));
  const bars = counts.map(({ label, units }) => {
    const meaning = (FAILURE_LABELS as Readonly<Record<string, string>>)[label] ?? 'a label of this evaluation';
    const items = units.map((unit) => episode(labels, unit, label)).join('');
    const share = (100 * units.length) / most;
    return (
      `<details class="why"><summary><span>${escapeHtml(label)}<small>${escapeHtml(meaning)}</small></span>` +
      `<span class="bar"><i style="width:${share.toFixed(1)}%"></i></span><b>${units.length}</b></summary>` +
      `<ul>${items}</ul></details>`
    );
  });
  const agreement = ruleAgreement(labels);
  const alike = agreement
    ? ` Rules and persons on ${agreement.units} episodes: Cohen’s kappa ${agreement.overall.kappa.toFixed(2)}.`
    : '';
  return (
    '<h2>Why episodes failed</h2><p class="note">An episode may have several labels. ' +
    '<span class="screen">Open a bar for its episodes.</span>' +
    `${alike}</p><div class="panel whys">${bars.join('')}</div>`
  );
}

function episode(labels: readonly Label[], unit: string, label: string): string {
  const own = labels.filter((one) => one.unit === unit && one.label === label);
  const reasons = own.map((one) => {
    const rule = LABEL_RULES.find(({ name }) => one.by === `rule:${name}`);
    return one.reason ?? (byRule(one) ? (rule?.looksFor ?? 'no rule knows it') : `says ${one.by}`);
  });
  const step = own.find((one) => one.step !== undefined)?.step ?? 0;
  return (
    `<li><button class="link" data-unit="${escapeHtml(unit)}" data-step="${step}">${escapeHtml(unit)}</button> ` +
    `${escapeHtml(reasons.join('; '))}</li>`
  );
}
