declare module 'bufferutil' {
  const bufferutil: {
    /** XORs `length` bytes of `source` with the four of `mask`, from the mask's first, into `output` at `offset`. */
    mask(source: Uint8Array, mask: Uint8Array, output: Uint8Array, offset: number, length: number): void;
  };
  export default bufferutil;
}
