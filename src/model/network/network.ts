import { ValetError } from '../../base/index.ts';
import { Builder, recomputed, type Tensor } from '../../tensor/index.ts';
import type { ModelConfig } from './config.ts';
import { adapted, adapterOf, type Lora, type Projection } from './lora.ts';
import { inputName, networkTree } from './views.ts';

/**
 * Called with intermediate values under the names of the golden case `network-tiny`; verification listens, training
 * does not.
 */
export type Trace = (name: string, tensor: Tensor) => void;

interface NetworkOptions {
  readonly trace?: Trace | undefined;
  /** Values within the layers are computed again in the backward pass. */
  readonly recompute?: boolean | undefined;
  /** Adapters of the vision-language model. */
  readonly lora?: Lora | undefined;
}

/** A network under construction: its builder, and its weights, which become program inputs when they are first used. */
export class Network {
  readonly builder = new Builder();
  private readonly declared = new Map<string, Tensor>();
  private readonly leaves: ReadonlyMap<string, { shape: readonly number[]; stacked: boolean }>;

  readonly trace: Trace | undefined;
  private readonly recompute: boolean;
  private readonly lora: Lora | undefined;

  constructor(
    readonly config: ModelConfig,
    { trace, recompute = false, lora }: NetworkOptions = {},
  ) {
    this.trace = trace;
    this.recompute = recompute;
    this.lora = lora;
    this.leaves = new Map(networkTree(config, lora).map((leaf) => [leaf.name, leaf]));
  }

  /** The weight `name`; of a stacked leaf, its part for `layer`, without the layer axis. */
  weight(name: string, layer?: number): Tensor {
    const input = inputName(name, layer);
    const known = this.declared.get(input);
    if (known) return known;
    const leaf = this.leaves.get(name);
    if (!leaf || leaf.stacked !== (layer !== undefined))
      throw new ValetError('Network.weight', `no weight ${input} in this configuration.`);
    const tensor = this.builder.parameter(input, leaf.stacked ? leaf.shape.slice(1) : [...leaf.shape]);
    this.declared.set(input, tensor);
    return tensor;
  }

  /** What the adapter of a projection adds to its product with `x`; undefined where it has none. */
  adapted(projection: Projection, x: Tensor, layer: number): Tensor | undefined {
    const adapter = this.lora && adapterOf(this.lora, projection, (leaf) => this.weight(leaf, layer));
    return adapter && adapted(x, adapter);
  }

  /**
   * One layer: `body` of its large inputs. With recomputation its inner values are computed again in the backward pass,
   * in place of being kept for it.
   */
  layer(inputs: readonly Tensor[], body: (inputs: readonly Tensor[]) => readonly Tensor[]): readonly Tensor[] {
    this.builder.cut();
    const outputs = this.recompute ? recomputed(inputs, body) : body(inputs);
    this.builder.cut();
    return outputs;
  }

  /** The weights used so far, by input name. */
  weights(): ReadonlyMap<string, Tensor> {
    return this.declared;
  }
}
