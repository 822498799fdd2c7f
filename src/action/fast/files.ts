import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, readJson } from '../../base/index.ts';
import type { BpeDefinition } from './byteLevelBpe.ts';

const byteLevel = z.object({
  type: z.string(),
  add_prefix_space: z.boolean().optional(),
  use_regex: z.boolean().optional(),
});

const TokenizerFile = z.object({
  normalizer: z.unknown().optional(),
  pre_tokenizer: byteLevel.nullish(),
  decoder: z.object({ type: z.string() }).nullish(),
  added_tokens: z
    .array(
      z.object({
        id: z.number().int().nonnegative(),
        content: z.string(),
        special: z.boolean().default(false),
        single_word: z.boolean().default(false),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
      }),
    )
    .default([]),
  model: z.object({
    type: z.string().optional(),
    dropout: z.number().nullish(),
    unk_token: z.string().nullish(),
    continuing_subword_prefix: z.string().nullish(),
    end_of_word_suffix: z.string().nullish(),
    fuse_unk: z.boolean().nullish(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    vocab: z.record(z.string(), z.number().int().nonnegative()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
});

/** What `processor_config.json` holds. */
const ProcessorFile = z.object({
  scale: z.number().positive(),
  vocab_size: z.number().int().positive(),
  min_token: z.number().int(),
  time_horizon: z.number().int().positive().nullish(),
  action_dim: z.number().int().positive().nullish(),
});

const MetadataFile = z.looseObject({
  /** Columns of the action, [start, end). */
  encoded_dim_ranges: z.array(z.tuple([z.number().int(), z.number().int()])).optional(),
  num_training_chunks: z.number().optional(),
  compression_stats: z.record(z.string(), z.number()).optional(),
  /** What the columns were scaled by (Valet's addition): of each encoded dimension. */
  quantiles: z.object({ q01: z.array(z.number()), q99: z.array(z.number()) }).optional(),
});

/** How a vocabulary was made: the original's `metadata.json`. */
export type FastMetadata = z.infer<typeof MetadataFile>;

export interface FastSettings {
  /** Factor of the DCT coefficients before they are rounded. */
  readonly scale: number;
  /** What was asked for when fitting. */
  readonly vocabSize: number;
  /** The smallest coefficient seen when fitting; it is symbol 0. */
  readonly minToken: number;
  /** Steps and dimensions of a chunk, where they are known. */
  readonly horizon?: number | undefined;
  readonly width?: number | undefined;
}

/**
 * Reads a Hugging Face `tokenizer.json` of the byte-level BPE family, merges as pairs or as "a b".
 * @throws InputError that names what such a file holds beyond it (another model, a normaliser, …)
 */
export async function readTokenizerFile(path: string): Promise<BpeDefinition> {
  const file = await readJson(path, TokenizerFile);
  const refuse = (what: string) => new InputError(path, `${what}. Only byte-level BPE vocabularies are read.`);
  const { model, pre_tokenizer: split, added_tokens: addedTokens } = file;
  if (model.type !== undefined && model.type !== 'BPE') throw refuse(`the model is ${model.type} (expected BPE)`);
  if (file.normalizer) throw refuse('it has a normalizer');
  if (split?.type !== 'ByteLevel')
    throw refuse(`the pre-tokenizer is ${split?.type ?? 'missing'} (expected ByteLevel)`);
  if (file.decoder?.type !== 'ByteLevel')
    throw refuse(`the decoder is ${file.decoder?.type ?? 'missing'} (expected ByteLevel)`);
  for (const key of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'byte_fallback'] as const)
    if (model[key]) throw refuse(`the model uses ${key}`);
  const stripping = addedTokens.find((token) => token.single_word || token.lstrip || token.rstrip);
  if (stripping) throw refuse(`the added token ${JSON.stringify(stripping.content)} strips its surroundings`);

  const vocab: (string | undefined)[] = [];
  const most = 4 * Object.keys(model.vocab).length + 100_000;
  for (const [text, id] of Object.entries(model.vocab)) {
    if (id > most) throw new InputError(path, `the id of ${JSON.stringify(text)} is out of reach (got ${id}).`);
    if (vocab[id] !== undefined)
      throw new InputError(
        path,
        `id ${id} stands for two symbols (${JSON.stringify(vocab[id])}, ${JSON.stringify(text)}).`,
      );
    vocab[id] = text;
  }
  const merges = model.merges.map((merge, rank): [string, string] => {
    if (typeof merge !== 'string') return merge;
    const parts = merge.split(' ');
    if (parts.length !== 2) throw new InputError(path, `merge ${rank} is no pair (got ${JSON.stringify(merge)}).`);
    return parts as [string, string];
  });
  if (model.unk_token && !Object.hasOwn(model.vocab, model.unk_token))
    throw new InputError(path, `the unknown token ${JSON.stringify(model.unk_token)} is not in the vocabulary.`);
  // Of a pair that stands twice only the later rank counts, as in the library.
  const last = new Map(merges.map((pair, rank) => [JSON.stringify(pair), rank]));
  return {
    vocab: Array.from(vocab),
    merges: merges.filter((pair, rank) => last.get(JSON.stringify(pair)) === rank),
    addedTokens: addedTokens.map(({ id, content, special }) => ({ id, content, special })),
    unknown: model.unk_token ?? undefined,
    fuseUnknown: model.fuse_unk ?? false,
    ignoreMerges: model.ignore_merges ?? false,
    addPrefixSpace: split.add_prefix_space ?? true,
    useRegex: split.use_regex ?? true,
  };
}

/** transformers 5 keeps a processor's tokenizer in a folder of its own, earlier ones beside the processor. */
function tokenizerIn(dir: string): string {
  const nested = join(dir, 'bpe_tokenizer', 'tokenizer.json');
  return existsSync(nested) && !existsSync(join(dir, 'tokenizer.json')) ? nested : join(dir, 'tokenizer.json');
}

/**
 * Reads a folder of the original's form, as any transformers wrote it.
 * @throws InputError when a file is missing or of another form
 */
export async function readFastFolder(
  dir: string,
): Promise<{ settings: FastSettings; bpe: BpeDefinition; metadata: FastMetadata | undefined }> {
  if (!existsSync(dir))
    throw new InputError(dir, 'there is no such folder. Fit a vocabulary with `valet tokenizer fit`.');
  const processor = await readJson(join(dir, 'processor_config.json'), ProcessorFile);
  return {
    settings: {
      scale: processor.scale,
      vocabSize: processor.vocab_size,
      minToken: processor.min_token,
      horizon: processor.time_horizon ?? undefined,
      width: processor.action_dim ?? undefined,
    },
    bpe: await readTokenizerFile(tokenizerIn(dir)),
    metadata: existsSync(join(dir, 'metadata.json'))
      ? await readJson(join(dir, 'metadata.json'), MetadataFile)
      : undefined,
  };
}

const AUTO_MAP = { AutoProcessor: 'processing_action_tokenizer.UniversalActionProcessor' };
const UNLIMITED = '<unlimited>';
const VOCAB = '<symbols by id>';
const PROCESSOR = 'UniversalActionProcessor';

/**
 * The four files that the original saves, by name (`transformers` loads them), and `metadata.json` where there is
 * one.
 */
export function fastFiles(settings: FastSettings, bpe: BpeDefinition, metadata?: FastMetadata): Record<string, string> {
  const json = (value: unknown) => JSON.stringify(value, null, 2);
  // In the order of the ids, which an object would not keep for symbols that look like numbers.
  const symbols = bpe.vocab.flatMap((text, id) => (text === undefined ? [] : `\n      ${JSON.stringify(text)}: ${id}`));
  const added = (bpe.addedTokens ?? []).map(({ id, content, special }) => [
    String(id),
    { content, lstrip: false, normalized: false, rstrip: false, single_word: false, special },
  ]);
  const config = json({
    added_tokens_decoder: Object.fromEntries(added),
    auto_map: AUTO_MAP,
    clean_up_tokenization_spaces: false,
    extra_special_tokens: {},
    model_max_length: UNLIMITED,
    processor_class: PROCESSOR,
    tokenizer_class: 'PreTrainedTokenizerFast',
  });
  return {
    'tokenizer.json': json(tokenizerFile(bpe)).replace(`"${VOCAB}"`, () =>
      symbols.length > 0 ? `{${symbols.join(',')}\n    }` : '{}',
    ),
    // Python's int(1e30) is how `transformers` writes "no limit".
    'tokenizer_config.json': `${config.replace(`"${UNLIMITED}"`, '1000000000000000019884624838656')}\n`,
    'special_tokens_map.json': '{}\n',
    'processor_config.json': `${json({
      action_dim: settings.width ?? null,
      auto_map: AUTO_MAP,
      min_token: settings.minToken,
      processor_class: PROCESSOR,
      scale: settings.scale,
      time_horizon: settings.horizon ?? null,
      vocab_size: settings.vocabSize,
    })}\n`,
    ...(metadata && { 'metadata.json': `${json(metadata)}\n` }),
  };
}

function tokenizerFile(bpe: BpeDefinition): object {
  const { addPrefixSpace = false, useRegex = true, addedTokens = [] } = bpe;
  const level = (prefix: boolean, trim: boolean) => ({
    type: 'ByteLevel',
    add_prefix_space: prefix,
    trim_offsets: trim,
    use_regex: true,
  });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens.map(({ id, content, special }) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special,
    })),
    normalizer: null,
    pre_tokenizer: { ...level(addPrefixSpace, true), use_regex: useRegex },
    post_processor: level(true, false),
    decoder: level(true, true),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: bpe.unknown ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: bpe.fuseUnknown ?? false,
      byte_fallback: false,
      ignore_merges: bpe.ignoreMerges ?? false,
      vocab: VOCAB,
      merges: bpe.merges,
    },
  };
}
