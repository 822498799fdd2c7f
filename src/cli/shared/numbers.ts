import { InvalidArgumentError } from 'commander';

/** A parser of an option that is a decimal number for which `holds`; `what` completes "expected …". */
export function numberOption(what: string, holds: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value) || !holds(value)) throw new InvalidArgumentError(`expected ${what}.`);
    return value;
  };
}

const isWhole = Number.isSafeInteger;

export const positive = numberOption('a whole number above 0', (value) => isWhole(value) && value > 0);
export const whole = numberOption('a whole number, 0 or more', (value) => isWhole(value) && value >= 0);
export const aboveZero = numberOption('a number above 0', (value) => value > 0);
export const atLeastZero = numberOption('a number of 0 or more', (value) => value >= 0);
export const minutes = numberOption('minutes, a number above 0', (value) => value > 0);
export const share = numberOption('a number from 0 to 1', (value) => value >= 0 && value <= 1);

/** Whole numbers, separated by commas. */
export const numberList = (text: string): number[] => text.split(',').map((part) => whole(part));
