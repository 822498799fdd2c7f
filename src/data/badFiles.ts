import { ValetError } from '../base/index.ts';

/** So many are told apart; then a pass over the data ends. */
const ENOUGH = 100;

/**
 * The bad files that a pass over data sets meets: work goes on after one, so that the error that ends it names the
 * first in the order of the data, whichever worker met it when, and how many more there are.
 */
export class BadFiles {
  private readonly found: { readonly place: number; readonly error: ValetError }[] = [];

  get isEnough(): boolean {
    return this.found.length >= ENOUGH;
  }

  /** The result of a piece of work, or undefined when its input is bad. @throws whatever else goes wrong */
  async try<T>(place: number, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ValetError) || error.kind !== 'input') throw error;
      this.found.push({ place, error });
      return undefined;
    }
  }

  /** @throws ValetError of the first bad file, when there was any */
  throwFirst(): void {
    const [first] = this.found.sort((a, b) => a.place - b.place);
    if (!first) return;
    const { error } = first;
    const more = new Set(this.found.map((one) => one.error.where)).size - 1;
    if (more === 0) throw error;
    const what = error.message.slice(error.where.length + 2);
    const count = `${this.isEnough ? 'at least ' : ''}${more} more ${more === 1 ? 'file is' : 'files are'} bad`;
    throw new ValetError(error.where, `${what} And ${count}: valet data check names all.`, 'input', { cause: error });
  }
}
