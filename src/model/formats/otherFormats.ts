import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from '../../base/index.ts';

const AS_SAFETENSORS = 'Save its tensors as safetensors (safetensors.torch.save_file) and give that file.';

/** Formats of weights that are not read: how their bytes begin, what they are, what to do. */
const FORMATS: readonly (readonly [(head: Buffer, name: string) => boolean, string, string])[] = [
  [
    (head, name) => isZip(head) && !name.endsWith('.npz') && head.includes('data.pkl'),
    'is a PyTorch pickle (a zip with data.pkl): Python code that runs when it is read',
    AS_SAFETENSORS,
  ],
  [
    (head, name) => head[0] === 0x80 && (head[1] ?? 9) <= 5 && /\.(pt|pth|bin|ckpt|pkl|pickle)$/.test(name),
    'is a Python pickle (PyTorch before 1.6, or any other): code that runs when it is read',
    AS_SAFETENSORS,
  ],
  [(head, name) => isZip(head) && /\.(npz|keras)$/.test(name), 'is a zip of numpy or Keras arrays', AS_SAFETENSORS],
  [(head) => head.subarray(0, 4).toString('latin1') === 'GGUF', 'is a GGUF file of llama.cpp', AS_SAFETENSORS],
  [(head) => head.subarray(1, 4).toString('latin1') === 'HDF', 'is an HDF5 file', AS_SAFETENSORS],
  [(_, name) => name.endsWith('.onnx'), 'is an ONNX program', 'Give the checkpoint that it was made from.'],
  [(_, name) => name.endsWith('.msgpack'), 'is a Flax checkpoint in msgpack', AS_SAFETENSORS],
];

const isZip = (head: Buffer): boolean => head.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004';

/** What a file of weights is that is not read, and what to do with it; undefined for any other file. */
export function otherFormat(path: string): { readonly what: string; readonly advice: string } | undefined {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
  const head = Buffer.alloc(256);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  const found = FORMATS.find(([is]) => is(head, path.toLowerCase()));
  return found && { what: found[1], advice: found[2] };
}

/** @throws InputError for a file of weights in a format that is not read, named for what it is */
export function refuseOtherFormat(path: string): void {
  const found = otherFormat(path);
  if (found) throw new InputError(path, `${found.what}, which is not read. ${found.advice}`);
}
