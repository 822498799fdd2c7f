import { DatasetWriter } from '../../src/data/index.ts';
import { checkTrainConfig, loadTrainConfig, type TrainConfig } from '../../src/train/index.ts';
import { fakeEpisode } from './data.ts';
import { smallParts } from './model.ts';

/** Pictures of the sets and networks here are so many pixels wide. */
const SIZE = smallParts.imageSize;

/** A data set of made-up episodes for a network of `smallTraining`; 40 frames each unless said. */
export async function writeFakeSet(
  dir: string,
  episodes: readonly NonNullable<Parameters<typeof fakeEpisode>[0]>[],
): Promise<void> {
  const writer = await DatasetWriter.create(dir, { imageSize: SIZE });
  for (const episode of episodes) await writer.addEpisode(fakeEpisode({ length: 40, size: SIZE, ...episode }));
  await writer.finish();
}

/** Settings that are not as they are in `dummy`. */
type Changes = Partial<Omit<TrainConfig, 'model' | 'validation'>> & {
  readonly [part in 'model' | 'validation']?: Partial<TrainConfig[part]>;
};

/** The configuration `dummy` with a network that a test can train, without FAST tokens unless said. */
export async function smallTraining({ model, ...changes }: Changes): Promise<TrainConfig> {
  const dummy = await loadTrainConfig('dummy');
  const small = { ...dummy.model, ...smallParts, useFastAuxiliary: false, ...model };
  return checkTrainConfig({ ...dummy, model: small, ...changes });
}
