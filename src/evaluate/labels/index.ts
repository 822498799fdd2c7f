export { countLabels, failures, labelByRules, readLabels, ruleAgreement, writeLabels } from './labels.ts';
export { labelTable } from './labelTable.ts';
export { LABEL_RULES } from './rules.ts';
export { byRule, FAILURE_LABELS, type Label, parseLabels } from './vocabulary.ts';
