import { Command } from 'commander';
import colours from 'picocolors';
import { bytesText, type Memory, machineMemory, portFree, processor, softwareVersions } from '../base/index.ts';
import { checkVideo } from '../data/index.ts';
import {
  checkOps,
  DEVICES,
  type Device,
  type DeviceReport,
  deviceNamed,
  gemmPeak,
  OPS_HEAD,
  opLine,
  probeDevice,
} from '../tensor/index.ts';
import { checkpointFits, type Fit, fits, MOST } from '../train/index.ts';
import { doctorTraining } from './doctorTraining.ts';

interface Options {
  json: boolean;
  ops: boolean;
  device?: string;
  checkpoint: string[];
  /** Name or file of a training configuration; true where none is given. */
  training?: string | true;
}

const PORT = 8000;

export function command(): Command {
  return new Command('doctor')
    .description('what this machine can do: versions, devices, memory against each network, ports, codecs')
    .option('--json', 'print one JSON object (with --ops: an array of rows)', false)
    .option('--ops', 'every op and its gradient against float64 instead', false)
    .option(
      '--training [config]',
      'measure updates instead (of nano, or of a preset or file): which threads and which batch to train with',
    )
    .option(
      '--checkpoint <dir...>',
      'also estimate the memory of these checkpoint folders (or names of policies that come with the package)',
      [],
    )
    .option('--device <name>', `with --ops: ${DEVICES.join(', ')}`)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet doctor\n  $ valet doctor --ops --device cpu\n  $ valet doctor --training nano',
    )
    .action((options: Options) =>
      options.ops ? ops(options) : options.training ? doctorTraining(options.training, options) : report(options),
    );
}

async function ops({ json, device = 'cpu' }: Options): Promise<void> {
  const rows = [];
  if (!json) process.stdout.write(OPS_HEAD);
  for await (const row of checkOps(deviceNamed(device))) {
    rows.push(row);
    if (!json) process.stdout.write(opLine(row));
  }
  const failed = rows.filter(({ pass }) => !pass).length;
  // NaN is no JSON: a row without a number says null.
  if (json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else process.stdout.write(`${rows.length - failed} of ${rows.length} pass\n`);
  if (failed > 0) process.exitCode = 1;
}

/** Devices that can exist on this system. */
function candidates(): Device[] {
  const system: Partial<Record<NodeJS.Platform, Device>> = { darwin: 'coreml', win32: 'dml', linux: 'cuda' };
  const own = system[process.platform];
  return ['cpu', 'webgpu', ...(own ? [own] : [])];
}

async function report({ json, checkpoint }: Options): Promise<void> {
  const [devices, video, port] = await Promise.all([
    Promise.all(candidates().map((device) => probeDevice(device))),
    checkVideo(),
    portFree(PORT),
  ]);
  const cpu = processor();
  const { cores } = cpu;
  const found = {
    versions: softwareVersions(),
    processor: { ...cpu, gemmGflops: { threads: cores, float32: Math.round(await gemmPeak(cores, { runs: 2 })) } },
    memory: machineMemory(),
    devices,
    video,
    ports: [{ port: PORT, free: port }],
  };
  const networks = [...(await fits(found.memory.usable)), ...(await checkpointFits(checkpoint, found.memory.usable))];
  if (json) process.stdout.write(`${JSON.stringify({ ...found, networks })}\n`);
  else process.stdout.write(table(found, networks));
  // The processor comes first among the candidates, and everything needs it.
  if (!devices[0]?.works || !video.works) process.exitCode = 1;
}

type Found = {
  versions: ReturnType<typeof softwareVersions>;
  processor: ReturnType<typeof processor> & { gemmGflops: { threads: number; float32: number } };
  memory: Memory;
  devices: DeviceReport[];
  video: { works: boolean; problem?: string };
  ports: { port: number; free: boolean }[];
};

/** Columns of what is said in sentences. */
const WIDTH = 100;

/** A sentence in lines of at most `width` letters (a longer word has its own). */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' '))
    if (line === '') line = word;
    else if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  return [...lines, line];
}

const tick = (good: boolean) => (good ? colours.green('✓') : colours.red('✗'));

function table({ versions: v, processor: cpu, memory: m, devices, video, ports }: Found, networks: Fit[]): string {
  const features = cpu.features
    ? Object.entries(cpu.features).map(([name, has]) => `${tick(has)} ${name.toUpperCase()}`)
    : ['instructions unknown'];
  const lines = [
    colours.bold('Versions'),
    `  valet ${v.valet}, Node ${v.node}, ONNX Runtime ${v.onnxruntime}`,
    colours.bold('Processor'),
    `  ${cpu.name}, ${cpu.cores} cores   ${features.join('  ')}`,
    `  matrix products in float32: ${cpu.gemmGflops.float32} GFLOP/s with ${cpu.gemmGflops.threads} threads`,
    colours.bold('Devices'),
    ...devices.flatMap(({ device, works, float16, problem }) => {
      const head = `  ${tick(works)} ${device.padEnd(8)}`;
      if (works) return [`${head}${device === 'cpu' || float16 ? '' : 'float32 only'}`.trimEnd()];
      return wrapped(problem ?? '', WIDTH).map((line, i) => (i === 0 ? `${head}${line}` : `${' '.repeat(12)}${line}`));
    }),
    colours.bold('Memory'),
    `  ${bytesText(m.total)}, ${bytesText(m.usable)} can be used` +
      (m.limit === null ? '' : ` (the control group allows ${bytesText(m.limit)})`),
    ...networks.flatMap((fit, i) => [
      ...(networks[i - 1]?.config === fit.config ? [] : [`  ${colours.bold(fit.config)}`]),
      fitLine(fit),
    ]),
    colours.bold('Video and ports'),
    `  ${tick(video.works)} H.264 written and read${video.problem ? `: ${video.problem}` : ''}`,
    ...ports.map(
      ({ port, free }) =>
        `  ${tick(free)} port ${port} ${free ? 'is free' : 'is taken (valet serve --port 0 finds another)'}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function fitLine({ work, weights, batch, bytes, fits, largestBatch, advice }: Fit): string {
  const what = work === 'plan' ? `plan, ${weights}${weights === 'float16' ? ', GPU' : ''}` : `train, batch ${batch}`;
  const head = `    ${tick(fits)} ${what.padEnd(19)}${bytesText(bytes).padStart(9)}  `;
  const flag = work === 'plan' ? '--batch ' : 'batch=';
  const more = fits ? `up to ${flag}${largestBatch}${largestBatch >= MOST[work] ? ' and more' : ''}` : (advice ?? '');
  return wrapped(more, WIDTH - 20)
    .map((line, i) => (i === 0 ? `${head}${line}` : `${' '.repeat(36)}${line}`))
    .join('\n');
}
