export { THEME } from './client/theme.ts';
export { title } from './figure.ts';
export { FILM_BUDGET } from './films.ts';
export { decimals, embeddedJson } from './html.ts';
export { LINE_COLOURS } from './lineColours.ts';
export { markdownTable } from './plainForms.ts';
export {
  type Evaluation,
  REPORT_FORMS,
  type ReportForm,
  readEvaluation,
  readRecords,
  writeReport,
} from './report.ts';
export { STYLE } from './style.ts';
export { dataTable } from './tables.ts';
