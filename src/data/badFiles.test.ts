import { expect, it } from 'vitest';
import { InputError } from '../base/index.ts';
import { BadFiles } from './badFiles.ts';

const bad = (file: string) => async () => {
  throw new InputError(file, 'is bad.');
};

it('the first in the order of the data is named, and how many more there are', async () => {
  const files = new BadFiles();
  files.throwFirst();
  expect(await files.try(3, async () => 7)).toBe(7);
  expect(await files.try(9, bad('c'))).toBeUndefined();
  await files.try(2, bad('a'));
  expect(() => files.throwFirst()).toThrow('a: is bad. And 1 more file is bad: valet data check names all.');
  await files.try(4, bad('b'));
  await files.try(5, bad('b'));
  expect(() => files.throwFirst()).toThrow('a: is bad. And 2 more files are bad');
});

it('one alone is told as it is, and what is no bad input goes through', async () => {
  const files = new BadFiles();
  await files.try(1, bad('a'));
  expect(() => files.throwFirst()).toThrow(/^a: is bad\.$/);
  await expect(files.try(2, () => Promise.reject(new TypeError('no')))).rejects.toThrow(TypeError);
});

it('there may be too many to count', async () => {
  const files = new BadFiles();
  for (let i = 0; i < 100; i++) await files.try(i, bad(String(i)));
  expect(files.isEnough).toBe(true);
  expect(() => files.throwFirst()).toThrow('0: is bad. And at least 99 more files are bad');
});
