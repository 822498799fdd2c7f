/** Training samples as a page: what a network sees. */
export { samplesPage } from './samplesPage.ts';
