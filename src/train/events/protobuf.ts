/** Fields of a protocol buffer as bytes: as much of the wire format as event files need. */
export const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value));

/** A field that holds bytes, another message or packed numbers. */
export function bytes(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of((field << 3) | 2), varint(content.length), content]);
}

export const message = (field: number, parts: readonly Uint8Array[]): Buffer => bytes(field, Buffer.concat(parts));

export const varintField = (field: number, value: number): Buffer =>
  Buffer.concat([Buffer.of(field << 3), varint(value)]);

export function float(field: number, value: number): Buffer {
  const out = Buffer.alloc(5);
  out[0] = (field << 3) | 5;
  out.writeFloatLE(value, 1);
  return out;
}

export function double(field: number, value: number): Buffer {
  const out = Buffer.alloc(9);
  out[0] = (field << 3) | 1;
  out.writeDoubleLE(value, 1);
  return out;
}

/** A repeated field of doubles, packed. */
export function doubles(field: number, values: readonly number[]): Buffer {
  const out = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => {
    out.writeDoubleLE(value, 8 * i);
  });
  return bytes(field, out);
}

function varint(value: number): Buffer {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...out, rest]);
    out.push((rest % 128) | 128);
  }
}
