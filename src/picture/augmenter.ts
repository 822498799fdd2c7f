import type { Random } from '../base/index.ts';
import { changeColours, type HsvChange } from './changeColours.ts';
import { cropAndTurn, type Placement } from './cropAndTurn.ts';
import { type Jitter, PictureJitter } from './jitter.ts';

/** How pictures change in training. What is left out changes nothing. */
export interface PictureChanges extends Jitter {
  /**
   * `linear`: brightness and contrast act on each channel (`Jitter`). `hsv`: on the value of a pixel, beside its hue
   * and saturation, as in the original (`HsvChange`).
   */
  readonly colour?: 'linear' | 'hsv' | undefined;
  /** Share of each side that a random crop keeps; it is scaled back. Not of wrist cameras. */
  readonly crop?: number | undefined;
  /** Largest angle of a turn, in degrees. Not of wrist cameras. */
  readonly rotate?: number | undefined;
  /** `hsv`: largest change of the hue, in turns of the colour circle. */
  readonly hue?: number | undefined;
  /** `hsv`: largest share of the way to grey or to full colour. */
  readonly saturation?: number | undefined;
  /** `hsv`: share of the pictures whose colours change. */
  readonly colourShare?: number | undefined;
}

/** What was drawn for one picture. */
export interface PictureDraws {
  readonly placement: Placement | undefined;
  readonly colours: HsvChange | undefined;
}

/**
 * Crops, turns and colours pictures as the original does (docs/facts.md#training), each by a generator of its own.
 * `linear` brightness and contrast, and noise beside them, are `PictureJitter`'s.
 */
export class PictureAugmenter {
  private readonly noise: PictureJitter;
  private levels = new Float64Array(0);

  constructor(
    private readonly changes: PictureChanges,
    noise: Random,
  ) {
    const own = changes.colour === 'hsv' ? changes.noise : 0;
    this.noise = new PictureJitter({ brightness: 0, contrast: 0, noise: own }, noise);
  }

  get active(): boolean {
    const { colour = 'linear', crop = 1, rotate = 0 } = this.changes;
    return crop < 1 || rotate > 0 || (colour === 'hsv' && (this.coloured || this.noise.active));
  }

  /**
   * Draws for one picture. Every number is drawn whether it is used or not, so that one switch changes no other.
   * @param isFixed the camera is not on a wrist: its pictures move too
   */
  draw(random: Random, side: number, isFixed: boolean): PictureDraws {
    const { colour = 'linear', crop = 1, rotate = 0, brightness, contrast, hue = 0, saturation = 0 } = this.changes;
    const symmetric = (most: number) => random.between(-most, most);
    const kept = Math.floor(side * crop);
    const room = (side - kept) / 2;
    const placement = { kept, dx: symmetric(room), dy: symmetric(room), angle: (symmetric(rotate) * Math.PI) / 180 };
    const isColoured = random.uniform() < (this.changes.colourShare ?? 1) && colour === 'hsv' && this.coloured;
    const colours = {
      brightness: symmetric(brightness),
      contrast: symmetric(contrast),
      hue: symmetric(hue),
      saturation: symmetric(saturation),
    };
    return {
      placement: isFixed && (crop < 1 || rotate > 0) ? placement : undefined,
      colours: isColoured ? colours : undefined,
    };
  }

  /** @param picture uint8 [side, side, 3], changed in place */
  apply(picture: Uint8Array, side: number, random: Random, isFixed: boolean): void {
    this.replay(picture, side, this.draw(random, side, isFixed));
    this.noise.apply(picture, picture.length, random);
  }

  /** Changes a picture as it was drawn; levels are rounded once, at the end. */
  replay(picture: Uint8Array, side: number, { placement, colours }: PictureDraws): void {
    if (!placement && !colours) return;
    if (this.levels.length !== picture.length) this.levels = new Float64Array(picture.length);
    if (placement) cropAndTurn(picture, side, placement, this.levels);
    else this.levels.set(picture);
    if (colours) changeColours(this.levels, colours);
    for (let i = 0; i < picture.length; i++) picture[i] = Math.round(this.levels[i]!);
  }

  private get coloured(): boolean {
    const { brightness, contrast, hue = 0, saturation = 0 } = this.changes;
    return brightness > 0 || contrast > 0 || hue > 0 || saturation > 0;
  }
}
