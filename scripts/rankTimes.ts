/**
 * What training in several processes would take: `npx tsx scripts/rankTimes.ts` prints a Markdown table. On paper, and
 * by a simulation in which every update and every message takes a little longer or shorter.
 */
import { Random } from '../src/base/index.ts';
import { buildLossProgram, configs, type ModelConfig, programParameters } from '../src/model/index.ts';

interface Case {
  readonly name: string;
  /** float32 bytes of the weights. */
  readonly bytes: number;
  /** Seconds of an update of one rank alone, with the samples of one rank. */
  readonly step: number;
  readonly samples: number;
}

/** README's measured steps: two cores of a cloud machine. */
const NANO = { step: 0.441, samples: 64 };
const HUNDRED_MILLION = { bytes: 4 * 99.9e6, step: 2.089, samples: 2 };

const LATENCY = 30e-6; // seconds a message, TCP in one rack
const SPREAD = 0.05; // standard deviation of what an update and a message take, as a share
const UPDATES = 40;

const bytesOf = (model: ModelConfig): number =>
  programParameters(model).reduce((sum, { length }) => sum + 4 * length, 0);

function cases(): Case[] {
  const flops = (model: ModelConfig, batch: number) => buildLossProgram(model, { batch, gradients: true }).flops;
  const rate = flops(configs.nano, NANO.samples) / NANO.step;
  return [
    { name: 'nano', bytes: bytesOf(configs.nano), ...NANO },
    { name: '100 M', ...HUNDRED_MILLION },
    // Not measured: its floating point operations at the rate of nano's.
    { name: 'full', bytes: bytesOf(configs.full), step: flops(configs.full, 1) / rate, samples: 1 },
  ];
}

/** Summing and gathering round a ring: 2(n - 1) messages one after the other, each of 1/n of the bytes. */
const onPaper = ({ bytes }: Case, ranks: number, bandwidth: number): number =>
  2 * (ranks - 1) * (bytes / ranks / bandwidth + LATENCY);

/**
 * Mean seconds of an update: each rank begins the exchange when it has computed, and in each round waits for what its
 * neighbour has sent.
 */
function simulated(one: Case, ranks: number, bandwidth: number): number {
  const random = Random.of('rank times', one.name, ranks, bandwidth);
  const vary = (seconds: number) => seconds * Math.max(0.5, 1 + SPREAD * random.normal());
  let now = new Float64Array(ranks);
  for (let update = 0; update < UPDATES; update++) {
    now = now.map((begins) => begins + vary(one.step));
    for (let round = 0; round < 2 * (ranks - 1); round++) {
      const sent = now.map((at) => at + vary(one.bytes / ranks / bandwidth + LATENCY));
      now = sent.map((own, r) => Math.max(own, sent[(r + ranks - 1) % ranks] ?? own));
    }
  }
  return Math.max(...now) / UPDATES;
}

const seconds = (s: number): string => (s < 1 ? `${(1000 * s).toPrecision(3)} ms` : `${s.toPrecision(3)} s`);

console.log(
  '| network | ranks | network of the machines | exchange on paper | update | simulated | samples/s | of ideal |',
);
console.log('|---|---|---|---|---|---|---|---|');
for (const one of cases())
  for (const ranks of [8, 64])
    for (const gigabits of [10, 100]) {
      const bandwidth = (gigabits * 1e9) / 8;
      const exchange = onPaper(one, ranks, bandwidth);
      const real = simulated(one, ranks, bandwidth);
      const ideal = (ranks * one.samples) / one.step;
      const pace = (ranks * one.samples) / real;
      const share = `${((100 * pace) / ideal).toFixed(0)} %`;
      const columns = [one.name, ranks, `${gigabits} Gb/s`, seconds(exchange), seconds(one.step + exchange)];
      console.log(`| ${[...columns, seconds(real), pace.toPrecision(3), share].join(' | ')} |`);
    }
