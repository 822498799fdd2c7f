/** How a command of a page is run so that it takes seconds: fewer episodes, one step, a free port. */
export interface QuickForm {
  /** Options that get another value where they stand. */
  readonly values?: Readonly<Record<string, string>>;
  /** Words that are added. */
  readonly add?: string;
  /** What a command within a sentence must have to be a whole one; else its name and options are looked up alone. */
  readonly whole: RegExp;
  /** It serves until it is told to end. */
  readonly server?: true;
}

/** Of each command of `valet`. A page that shows one that is not here fails. */
export const QUICK_FORMS: Readonly<Record<string, QuickForm>> = {
  demo: { values: { '--episodes': '1' }, add: '--episodes 1', whole: /^/ },
  'home tasks': { whole: /^/ },
  'home audit': {
    values: { '--perturb': 'light:1' },
    add: '--quick --tasks turning_on_radio',
    whole: /--policy \S.*--out \S/,
  },
  'home serve': { values: { '--port': '0' }, whole: /serve --/, server: true },
  'home watch': { whole: /watch \w/ },
  'home demos': { values: { '--episodes': '1' }, whole: /--out \S/ },
  'data check': { whole: /check \S/ },
  'data show': { values: { '--episode': '0' }, whole: /show \S/ },
  'data robot': { whole: /robot \S/ },
  'data select': { whole: /select \S+ \S/ },
  'data annotate stages': { whole: /stages \S+ \S/ },
  'data convert': { whole: /convert \S+ \S/ },
  'data merge': { whole: /--out \S/ },
  'data split': { values: { '--parts': 'all=1' }, whole: /split \S+ \S/ },
  'data trim': { whole: /trim \S+ \S/ },
  'data resize': { whole: /resize \S+ \S/ },
  stats: { whole: /--out \S/ },
  'tokenizer fit': { whole: /--out \S/ },
  'tokenizer check': { whole: /check [^\s-]/ },
  train: {
    values: { '--steps': '1', '--rollouts': 'every=1,tasks=all,episodes=1,max-steps=40' },
    add: '--steps 1 --set batch=4',
    whole: /--data \S|--print-config/,
  },
  import: { whole: /--out \S/ },
  inspect: { whole: /inspect [^\s-]/ },
  export: { whole: /--out \S/ },
  serve: { values: { '--memory': '4GB' }, whole: /--(checkpoint|mapping|replay) \S/, server: true },
  replay: { whole: /--against \S/ },
  eval: {
    values: { '--episodes': '1' },
    add: '--max-steps 40',
    whole: /--policy \S.*--out \S/,
  },
  worker: { whole: /worker redis/ },
  'eval ingest': { whole: /--out \S/ },
  submit: { whole: /submit \S+ -/ },
  label: { whole: /label \S/ },
  figure: { whole: /figure \w+ \S+ --out \S/ },
  report: { whole: /report \S/ },
  'export-rollout': { whole: /export-rollout \S+ -/ },
  compare: { values: { '--limit': '2' }, whole: /compare \S+ \S/ },
  verify: { whole: /verify [^\s-]/ },
  doctor: { whole: /^/ },
};

/**
 * A shorter command in place of part of one. Corrections lie far outside what the statistics of a single demonstration
 * have seen.
 */
export const SHORTER: readonly (readonly [RegExp, string])[] = [
  [/(?<= )test\/golden(?= |$)/, 'test/golden/sincos test/golden/optimizer'],
  [/(?<= )test\/twins(?= |$)/, 'test/twins/twin-sampler'],
  [/(?<= )test\/golden\/network-tiny(?= |$)/, ''],
  [/(?<=corrections:\S+ )--init /, '--allow-far --init '],
  // The pages' checkpoint is the released one; here it is of small sizes.
  [/--format openpi(?= |$)/, '--format openpi --partial'],
  [/--instances \d\S*/, '--instances 0'],
  [/--instances (public|hidden)(?!.* --episodes )/, '$& --episodes 1'],
];

/** What is not run, and why; whether its names are there is looked up all the same. */
export const NOT_RUN: readonly { readonly command: RegExp; readonly why: string }[] = [
  { command: /^npm (ci|test)$/, why: 'CI runs it' },
  { command: /^npm run( -s)? (build|check|test)(:\w+)?$/, why: 'CI runs it, or what it consists of' },
  { command: /^npm run demo$/, why: 'CI runs `valet demo` on the built package' },
  { command: /^npm run (format|figures|docs:api|build:kernels)$/, why: 'it changes or writes files of the repository' },
  {
    command: /^npm (pack$|install \S*valet-vla\S*\.tgz$|i \S*valet-vla\S*\.tgz$)/,
    why: 'npm run test:package does it',
  },
  { command: /^npx tsx node_modules\/valet-vla\/examples\//, why: 'npm run test:package runs every example' },
  { command: /^npx vitest run/, why: 'npm test runs it' },
  { command: /^npx tsx (test|interop|scripts)\//, why: 'minutes' },
  { command: /^npm run bench\b|^(\w+=\S+ )?npm run bench\b|^valet bench\b/, why: 'measures for minutes' },
  { command: /^npm run interop\b/, why: 'needs Python and a package index' },
  {
    command: /^redis-server |^valet worker redis|--queue redis/,
    why: 'npm run interop -- queue runs it: a Redis is needed',
  },
  { command: /^(mpirun|srun) /, why: 'npm run interop -- mpi trains under it: an MPI is needed' },
  { command: /^(pip install )?tensorboard( |$)/, why: 'npm run interop -- tensorboard opens a run by it' },
  { command: /^bash (\.ci|runs)\//, why: 'it is CI itself, or takes hours' },
  { command: /^VK_ICD_FILENAMES=/, why: 'needs a Vulkan loader and the driver of Chromium' },
];

/** Commands that end with another code than 0, as their page says. */
export const OTHER_CODES: readonly { readonly page: string; readonly command: RegExp; readonly code: number }[] = [
  { page: 'docs/providers.md', command: /--precision float16 --json/, code: 1 },
];
