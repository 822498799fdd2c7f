/** For tests only: something that waits until the test lets it go on. */
export interface Latch {
  /** Settles once it is open. */
  readonly opened: Promise<void>;
  open(): void;
}

export function latch(): Latch {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
