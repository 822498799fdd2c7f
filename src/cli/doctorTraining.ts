import colours from 'picocolors';
import { bytesText, duration, InputError, machineMemory, Progress } from '../base/index.ts';
import {
  adviseTraining,
  loadTrainConfig,
  measurePaces,
  type PaceAdvice,
  paceConfig,
  paceSettings,
  type UpdatePace,
} from '../train/index.ts';

/**
 * `valet doctor --training`: measures updates and says with which threads and batch to train here.
 * @param training a preset or a configuration file; true for `nano`
 * @throws InputError when no batch fits into memory
 */
export async function doctorTraining(training: string | true, { json }: { readonly json: boolean }): Promise<void> {
  const name = training === true ? 'nano' : training;
  const config = paceConfig(await loadTrainConfig(name));
  const { usable } = machineMemory();
  const settings = paceSettings(config, usable);
  if (settings.batches.length === 0)
    throw new InputError(
      name,
      `no batch fits into the ${bytesText(usable)} that can be used here. valet doctor says what it needs.`,
    );
  const progress = new Progress('measuring', settings.threads.length + settings.batches.length - 1, {
    unit: 'settings',
    silent: json,
  });
  const paces = await measurePaces(config, settings, () => progress.add());
  progress.end();
  const advice = adviseTraining(config, paces);
  process.stdout.write(
    json ? `${JSON.stringify({ config: name, paces, advice })}\n` : table(name, paces, advice, config.steps),
  );
}

function table(name: string, paces: readonly UpdatePace[], advice: PaceAdvice, updates: number): string {
  const columns = ['threads', 'batch', 'ms an update', 'samples/s', 'memory'];
  const cells = paces.map(({ threads, batch, milliseconds, samplesPerSecond, bytes }) => [
    String(threads),
    String(batch),
    milliseconds.toFixed(0),
    samplesPerSecond.toFixed(samplesPerSecond < 10 ? 2 : 0),
    bytesText(bytes),
  ]);
  const line = (row: readonly string[]) => `  ${row.map((cell) => cell.padStart(13)).join('')}`;
  return `${[
    colours.bold(`Updates of ${name}, with random data`),
    line(columns),
    ...cells.map(line),
    colours.bold('Advice'),
    `  valet train --config ${name} --threads ${advice.threads} --set batch=${advice.batch}`,
    `  ${updates} updates take about ${duration(advice.seconds)} here, without loading and drawing samples.`,
    ...advice.reasons.map((reason) => `  ${reason}`),
  ].join('\n')}\n`;
}
