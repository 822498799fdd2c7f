import { InputError, nearest } from '../../base/index.ts';
import type { TrainConfig } from '../../train/index.ts';

export const LORA_HELP =
  'train low-rank adapters of the vision-language model, which is frozen: rank=16; also alpha=N (as large as the ' +
  'rank) and targets=attn+ffn, groups or projections joined by +';

const KEYS = ['rank', 'alpha', 'targets'];

/** The key `lora` of a configuration; what is left out is filled by its defaults. @throws InputError */
export function parseLora(text: string): Partial<NonNullable<TrainConfig['lora']>> {
  const given = new Map<string, string>();
  for (const pair of text.split(',')) {
    const [key = '', value, more] = pair.split('=');
    if (!KEYS.includes(key)) {
      const guess = nearest(key, KEYS);
      const hint = guess ? `Did you mean '${guess}'?` : `Known: ${KEYS.join(', ')}.`;
      throw new InputError('--lora', `there is no '${key}'. ${hint}`);
    }
    if (value === undefined || value === '' || more !== undefined)
      throw new InputError('--lora', `'${pair}' is not of the form ${key}=VALUE.`);
    if (given.has(key)) throw new InputError('--lora', `${key} is given twice. Give it once.`);
    given.set(key, value);
  }
  const [rank, alpha, targets] = KEYS.map((key) => given.get(key));
  if (rank === undefined) throw new InputError('--lora', 'needs rank (expected such as rank=16,targets=attn+ffn).');
  if (!/^[1-9]\d{0,5}$/.test(rank))
    throw new InputError('--lora', `rank must be a whole number above 0 (got ${rank}).`);
  if (alpha !== undefined && !(Number(alpha) > 0 && Number.isFinite(Number(alpha))))
    throw new InputError('--lora', `alpha must be a number above 0 (got ${alpha}).`);
  return {
    rank: Number(rank),
    ...(alpha !== undefined && { alpha: Number(alpha) }),
    ...(targets !== undefined && { targets: targets.split('+') }),
  };
}
