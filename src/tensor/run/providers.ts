import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type InferenceSession, listSupportedBackends } from 'onnxruntime-node';
import { InputError, nearest } from '../../base/index.ts';
import { Builder } from '../graph/index.ts';
import { type Precision, toOnnx } from '../onnx/index.ts';
import { matmul, softmax } from '../ops/index.ts';

/** What can run a program: ONNX Runtime's providers that its Node package has on some platform. */
export const DEVICES = ['cpu', 'webgpu', 'cuda', 'coreml', 'dml'] as const;
export type Device = (typeof DEVICES)[number];

/** What to do where a device does not answer. */
const REMEDIES: Record<Device, string> = {
  cpu: 'Install the package again (npm ci).',
  webgpu:
    'On Linux WebGPU needs Vulkan: the loader libvulkan.so.1 (package libvulkan1) and a driver ' +
    "(the GPU vendor's, or a software one such as the SwiftShader that Chromium ships; " +
    'VK_ICD_FILENAMES names another). `valet doctor` shows what is found. Without --device the CPU computes.',
  cuda:
    'CUDA needs an NVIDIA GPU, and those files of the GPU build of ONNX Runtime (docs/providers.md). ' +
    'Without --device the CPU computes.',
  coreml: 'CoreML is a part of macOS. Without --device the CPU computes.',
  dml: 'DirectML is a part of Windows. Without --device the CPU computes.',
};

/** A device by its name. @throws InputError that names the nearest one */
export function deviceNamed(name: string): Device {
  const found = DEVICES.find((device) => device === name);
  if (found) return found;
  const near = nearest(name, DEVICES);
  throw new InputError(
    '--device',
    `no device '${name}'. ${near ? `Did you mean '${near}'?` : `Known: ${DEVICES.join(', ')}.`}`,
  );
}

/** @throws InputError for a precision that the device does not compute in */
export function checkPrecision(device: Device, precision: Precision): void {
  if (precision === 'float64' && device !== 'cpu')
    throw new InputError(
      'ProgramSession.create',
      `float64 runs on the CPU alone (asked for on ${device}). Use float32 there.`,
    );
}

/** The providers of a session, the CPU last: it takes the operations that the device does not have. */
export function executionProviders(device: Device): InferenceSession.ExecutionProviderConfig[] {
  return device === 'cpu' ? ['cpu'] : [device, 'cpu'];
}

/** What CUDA is computed by, beside the runtime's own library; not in the package. */
const CUDA_FILES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'],
  win32: ['onnxruntime_providers_shared.dll', 'onnxruntime_providers_cuda.dll'],
};

/**
 * Found out before the runtime is asked: it writes lines of its own, and for a device that its package does not know it
 * would quietly compute on the CPU.
 * @throws InputError for a device that cannot work here
 */
export function requireDevice(device: Device): void {
  const known = listSupportedBackends().map(({ name }) => name);
  if (!known.includes(device))
    throw new InputError(
      '--device',
      `this platform has no ${device} (got '${device}', expected one of ${known.join(', ')}). ${REMEDIES[device]}`,
    );
  if (device !== 'cuda') return;
  const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const folder = join(runtime, 'bin', 'napi-v6', process.platform, process.arch);
  const missing = CUDA_FILES[process.platform]?.filter((file) => !existsSync(join(folder, file))) ?? [];
  if (missing.length > 0)
    throw new InputError(
      '--device',
      `cuda cannot compute here (got no ${missing.join(' and no ')}, expected in ${folder}). ${REMEDIES.cuda}`,
    );
}

/**
 * Runs `work`; what goes wrong on a device other than the CPU becomes one error that says what to do.
 * @throws InputError
 */
export async function onDevice<T>(device: Device, work: () => Promise<T>): Promise<T> {
  requireDevice(device);
  try {
    return await work();
  } catch (error) {
    if (device === 'cpu') throw error;
    const reason = firstLine((error as Error).message);
    if (/requires f16/.test(reason))
      throw new InputError(
        'ProgramSession',
        `the device '${device}' has no float16 (${reason}). Use the precision float32.`,
        {
          cause: error,
        },
      );
    throw new InputError(
      'ProgramSession.create',
      `the device '${device}' does not work here (${reason}). ${REMEDIES[device]}`,
      {
        cause: error,
      },
    );
  }
}

/** The runtime's messages begin with a source line and a signature; what is wrong comes after them. */
function firstLine(message: string): string {
  const text = (message.split('\n')[0] ?? '').trim();
  return text.replace(/^.*?(?:was false\. |: error: )/, '').replace(/\.$/, '');
}

/** Whether a device works, found out in a process of its own: a driver that fails may take its process with it. */
export interface DeviceReport {
  readonly device: Device;
  readonly works: boolean;
  /** Computes a product and a softmax in float16 too. */
  readonly float16: boolean;
  /** What is wrong, and what to do about it. */
  readonly problem?: string;
  /** Milliseconds to make a session and run it once. */
  readonly milliseconds: number;
}

/** Runs a small program on the device in a child process and compares its result with the expected one. */
export async function probeDevice(device: Device, { timeoutMs = 20_000 } = {}): Promise<DeviceReport> {
  const started = performance.now();
  const models = (['float32', 'float16'] as const).map((precision) =>
    Buffer.from(toOnnx(probeProgram(), { precision, operators: 'standard' })).toString('base64'),
  );
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node');
  const { output, code } = await runChild(PROBE, JSON.stringify({ runtime, device, models }), timeoutMs);
  const milliseconds = Math.round(performance.now() - started);
  const answers = output.split('\n').filter((line) => line.startsWith('{'));
  const [single, half] = answers.map((line) => JSON.parse(line) as { sum?: number; error?: string });
  const right = (answer?: { sum?: number }) => Math.abs((answer?.sum ?? 0) - SIZE) < 0.01 * SIZE;
  if (right(single)) return { device, works: true, float16: right(half), milliseconds };
  const reason = single?.error
    ? firstLine(single.error)
    : single
      ? `a wrong result: ${single.sum}`
      : code === null
        ? `no answer in ${timeoutMs / 1000} s`
        : `its process ended with code ${code}`;
  return { device, works: false, float16: false, problem: `${reason}. ${REMEDIES[device]}`, milliseconds };
}

const SIZE = 16;

/** softmax(x·x): rows that add up to 1. */
function probeProgram() {
  const builder = new Builder();
  const x = builder.input('x', [SIZE, SIZE]);
  builder.output('y', softmax(matmul(x, x)));
  return builder.build();
}

const PROBE = `
let text = '';
process.stdin.on('data', (chunk) => (text += chunk)).on('end', async () => {
  const { runtime, device, models } = JSON.parse(text);
  const ort = require(runtime);
  for (const model of models) {
    try {
      const providers = device === 'cpu' ? ['cpu'] : [device, 'cpu'];
      const session = await ort.InferenceSession.create(Buffer.from(model, 'base64'), {
        executionProviders: providers,
      });
      const numbers = Float32Array.from({ length: ${SIZE * SIZE} }, (_, i) => Math.sin(i));
      const x = new ort.Tensor('float32', numbers, [${SIZE}, ${SIZE}]);
      const { y } = await session.run({ x });
      process.stdout.write(JSON.stringify({ sum: y.data.reduce((a, b) => a + b, 0) }) + '\\n');
    } catch (error) {
      process.stdout.write(JSON.stringify({ error: String(error && error.message) }) + '\\n');
    }
  }
  process.exit(0);
});`;

function runChild(script: string, input: string, timeoutMs: number): Promise<{ output: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    let output = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.on('error', reject);
    child.stdin.on('error', () => {}); // the child may end before it has read
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ output, code });
    });
    child.stdin.end(input);
  });
}
