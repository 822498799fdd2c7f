/** The inner loops of the page reader as WebAssembly text; assembled by assemble.ts into bytes.ts. All of them may read and write up to 64 bytes beyond what they are given. */
const get = (name: string) => `(local.get $${name})`;
const set = (name: string, value: string) => `(local.set $${name} ${value})`;
const add = (a: string, b: string) => `(i32.add ${a} ${b})`;
const sub = (a: string, b: string) => `(i32.sub ${a} ${b})`;
const num = (x: number) => `(i32.const ${x})`;
const step = (name: string, by: string) => set(name, add(get(name), by));
const failIf = (condition: string) => `(if ${condition} (then (return ${num(0)})))`;
/** Runs `body` while `name` < `end` (unsigned). */
const loop = (name: string, end: string, body: string) =>
  `(block $end_${name} (loop $next_${name} (br_if $end_${name} (i32.ge_u ${get(name)} ${end})) ${body} (br $next_${name})))`;

/** Reads a number of 7 bits a byte at local p into local `to`; needs locals byte, shift. */
const varint = (to: string) => `${set(to, num(0))} ${set('shift', num(0))}
  (loop $more_${to}
    ${failIf(`(i32.ge_u ${get('p')} ${get('end')})`)} ${failIf(`(i32.gt_u ${get('shift')} ${num(28)})`)}
    ${set('byte', `(i32.load8_u ${get('p')})`)} ${step('p', num(1))}
    ${set(to, `(i32.or ${get(to)} (i32.shl (i32.and ${get('byte')} ${num(127)}) ${get('shift')}))`)} ${step('shift', num(7))}
    (br_if $more_${to} (i32.and ${get('byte')} ${num(128)})))`;

/** Copies from local `source` up to local `stop` of the target; `bytes` at a time, in order. */
const copy = (bytes: 1 | 8 | 16) => {
  const [load, store] = {
    1: ['i32.load8_u', 'i32.store8'],
    8: ['i64.load', 'i64.store'],
    16: ['v128.load', 'v128.store'],
  }[bytes] as [string, string];
  const aligned = bytes === 1 ? '' : ' align=1';
  return `(loop $copy (${store}${aligned} ${get('to')} (${load}${aligned} ${get('source')})) ${step('to', num(bytes))} ${step('source', num(bytes))} (br_if $copy (i32.lt_u ${get('to')} ${get('stop')})))`;
};

/** Snappy (https://github.com/google/snappy/blob/main/format_description.txt): p…end into out, which must become `size` bytes long; 0 where the data is damaged. */
const snappy = `
(func (export "snappy") (param $p i32) (param $end i32) (param $out i32) (param $size i32) (result i32)
  (local $to i32) (local $limit i32) (local $tag i32) (local $length i32) (local $offset i32) (local $source i32) (local $stop i32) (local $byte i32) (local $shift i32)
  ${varint('length')} ${failIf(`(i32.ne ${get('length')} ${get('size')})`)}
  ${set('to', get('out'))} ${set('limit', add(get('out'), get('size')))}
  ${loop(
    'p',
    get('end'),
    `${set('tag', `(i32.load8_u ${get('p')})`)} ${step('p', num(1))}
    (if (i32.and ${get('tag')} ${num(3)}) (then
      (if (i32.eq (i32.and ${get('tag')} ${num(3)}) ${num(1)}) (then
        ${set('length', add(`(i32.and (i32.shr_u ${get('tag')} ${num(2)}) ${num(7)})`, num(4)))}
        ${set('offset', `(i32.or (i32.shl (i32.shr_u ${get('tag')} ${num(5)}) ${num(8)}) (i32.load8_u ${get('p')}))`)} ${step('p', num(1))}
      ) (else
        ${set('length', add(`(i32.shr_u ${get('tag')} ${num(2)})`, num(1)))}
        (if (i32.eq (i32.and ${get('tag')} ${num(3)}) ${num(2)})
          (then ${set('offset', `(i32.load16_u align=1 ${get('p')})`)} ${step('p', num(2))})
          (else ${set('offset', `(i32.load align=1 ${get('p')})`)} ${step('p', num(4))}))))
      ${failIf(`(i32.gt_u ${get('p')} ${get('end')})`)} ${failIf(`(i32.eqz ${get('offset')})`)}
      ${failIf(`(i32.gt_u ${get('offset')} ${sub(get('to'), get('out'))})`)} ${failIf(`(i32.gt_u ${get('length')} ${sub(get('limit'), get('to'))})`)}
      ${set('source', sub(get('to'), get('offset')))} ${set('stop', add(get('to'), get('length')))}
      (if (i32.ge_u ${get('offset')} ${num(16)}) (then ${copy(16)}) (else
        (if (i32.ge_u ${get('offset')} ${num(8)}) (then ${copy(8)}) (else ${copy(1)}))))
      ${set('to', get('stop'))}
    ) (else
      ${set('length', add(`(i32.shr_u ${get('tag')} ${num(2)})`, num(1)))}
      (if (i32.gt_u ${get('length')} ${num(60)}) (then
        ${set('shift', `(i32.shl ${sub(get('length'), num(60))} ${num(3)})`)}
        ${set('length', `(i32.load align=1 ${get('p')})`)} ${step('p', `(i32.shr_u ${get('shift')} ${num(3)})`)}
        (if (i32.lt_u ${get('shift')} ${num(32)}) (then ${set('length', `(i32.and ${get('length')} ${sub(`(i32.shl ${num(1)} ${get('shift')})`, num(1))})`)}))
        ${step('length', num(1))}))
      ${failIf(`(i32.gt_u ${get('p')} ${get('end')})`)} ${failIf(`(i32.eqz ${get('length')})`)}
      ${failIf(`(i32.gt_u ${get('length')} ${sub(get('end'), get('p'))})`)} ${failIf(`(i32.gt_u ${get('length')} ${sub(get('limit'), get('to'))})`)}
      ${set('stop', add(get('to'), get('length')))}
      (if (i32.gt_u ${get('length')} ${num(256)})
        (then (memory.copy ${get('to')} ${get('p')} ${get('length')}))
        (else ${set('source', get('p'))} ${copy(16)}))
      ${step('p', get('length'))} ${set('to', get('stop'))}))`,
  )}
  (i32.eq ${get('to')} ${get('limit')}))`;

/**
 * `count` 32-bit values out of the dictionary at `values` (`size` of them), by indices of `width` bits in runs and packed groups of eight
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE); 0 where the data is damaged.
 */
const lookUp = `
(func (export "lookUp") (param $p i32) (param $end i32) (param $width i32) (param $values i32) (param $size i32) (param $out i32) (param $count i32) (result i32)
  (local $stop i32) (local $run i32) (local $head i32) (local $index i32) (local $bit i32) (local $byte i32) (local $shift i32) (local $mask i64) (local $value i32)
  ${set('stop', add(get('out'), `(i32.shl ${get('count')} ${num(2)})`))}
  ${set('mask', `(i64.sub (i64.shl (i64.const 1) (i64.extend_i32_u ${get('width')})) (i64.const 1))`)}
  ${loop(
    'out',
    get('stop'),
    `${varint('head')}
    (if (i32.and ${get('head')} ${num(1)}) (then
      ${set('head', `(i32.shr_u ${get('head')} ${num(1)})`)}
      ${failIf(`(i32.gt_u ${get('head')} ${num(1 << 24)})`)} ${failIf(`(i32.gt_u (i32.mul ${get('head')} ${get('width')}) ${sub(get('end'), get('p'))})`)}
      ${set('run', add(get('out'), `(i32.shl ${get('head')} ${num(5)})`))}
      (if (i32.gt_u ${get('run')} ${get('stop')}) (then ${set('run', get('stop'))}))
      ${set('bit', num(0))}
      (block $done (loop $each (br_if $done (i32.ge_u ${get('out')} ${get('run')}))
        ${set('index', `(i32.wrap_i64 (i64.and ${get('mask')} (i64.shr_u (i64.load align=1 ${add(get('p'), `(i32.shr_u ${get('bit')} ${num(3)})`)}) (i64.extend_i32_u (i32.and ${get('bit')} ${num(7)})))))`)}
        ${failIf(`(i32.ge_u ${get('index')} ${get('size')})`)}
        (i32.store ${get('out')} (i32.load ${add(get('values'), `(i32.shl ${get('index')} ${num(2)})`)}))
        ${step('bit', get('width'))} ${step('out', num(4))} (br $each)))
      ${step('p', `(i32.mul ${get('head')} ${get('width')})`)}
    ) (else
      ${set('head', `(i32.shr_u ${get('head')} ${num(1)})`)} ${failIf(`(i32.eqz ${get('head')})`)}
      ${failIf(`(i32.gt_u ${get('head')} (i32.shr_u ${sub(get('stop'), get('out'))} ${num(2)}))`)}
      ${set('index', `(i32.wrap_i64 (i64.and ${get('mask')} (i64.load align=1 ${get('p')})))`)}
      ${step('p', `(i32.shr_u ${add(get('width'), num(7))} ${num(3)})`)}
      ${failIf(`(i32.gt_u ${get('p')} ${get('end')})`)} ${failIf(`(i32.ge_u ${get('index')} ${get('size')})`)}
      ${set('value', `(i32.load ${add(get('values'), `(i32.shl ${get('index')} ${num(2)})`)})`)}
      ${set('run', add(get('out'), `(i32.shl ${get('head')} ${num(2)})`))}
      (loop $fill (i32.store ${get('out')} ${get('value')}) ${step('out', num(4))} (br_if $fill (i32.lt_u ${get('out')} ${get('run')})))))`,
  )}
  ${num(1)})`;

export const PAGE_KERNEL_TEXT = `(module (import "env" "memory" (memory 1)) ${snappy} ${lookUp})`;
