export { readLabelFile } from './labelFile.ts';
export { countLabels, failures, labelByRules, readLabels, ruleAgreement, withStages, writeLabels } from './labels.ts';
export { labelStages, labelTable } from './labelTable.ts';
export { LABEL_RULES } from './rules.ts';
export { byRule, FAILURE_LABELS, type Label, parseLabels } from './vocabulary.ts';
