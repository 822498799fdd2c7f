/**
 * The inner loops of the chunk statistics as WebAssembly text; assembled by assemble.ts into bytes.ts.
 *
 * An exact sum is a pair of 64-bit integers, high·2⁻⁴ + low·2⁻⁵⁵; two neighbouring sums lie in 32 bytes: [high, high, low, low]. A float64 x is split by adding
 * 1.5·2⁵² times the grid: the lowest bits of that sum are x rounded to the grid, as an integer. Integers add up to the same in any order.
 */
const HIGH = '(v128.const f64x2 422212465065984 422212465065984)'; // 1.5·2⁴⁸
const LOW = '(v128.const f64x2 0.1875 0.1875)'; // 1.5·2⁻³

const get = (name: string) => `(local.get $${name})`;
const set = (name: string, value: string) => `(local.set $${name} ${value})`;
const add = (a: string, b: string) => `(i32.add ${a} ${b})`;
const num = (x: number) => `(i32.const ${x})`;
const step = (name: string, by: string) => set(name, add(get(name), by));
/** Runs `body` while `name` < `end`, then adds `by`. */
const loop = (name: string, end: string, by: string, body: string) =>
  `(block $end_${name} (loop $next_${name} (br_if $end_${name} (i32.ge_u ${get(name)} ${end})) ${body} ${step(name, by)} (br $next_${name})))`;

/** Adds the two numbers in local `x` to the exact sums at address local `at` + offset; needs a v128 local $split. */
const exactly = (x: string, at: string, offset = 0) => `
  ${set('split', `(f64x2.add ${x} ${HIGH})`)}
  (v128.store offset=${offset} ${get(at)} (i64x2.add (v128.load offset=${offset} ${get(at)}) (i64x2.sub ${get('split')} ${HIGH})))
  ${set('split', `(f64x2.add (f64x2.sub ${x} (f64x2.sub ${get('split')} ${HIGH})) ${LOW})`)}
  (v128.store offset=${offset + 16} ${get(at)} (i64x2.add (v128.load offset=${offset + 16} ${get(at)}) (i64x2.sub ${get('split')} ${LOW})))`;

const addExact = `
(func (export "addExact") (param $x i32) (param $out i32) (param $n i32) (local $i i32) (local $value v128) (local $split v128)
  ${loop('i', get('n'), num(2), `${set('value', `(v128.load ${get('x')})`)} ${exactly(get('value'), 'out')} ${step('x', num(16))} ${step('out', num(32))}`)})`;

const addIntegers = `
(func (export "addIntegers") (param $out i32) (param $from i32) (param $bytes i32) (local $i i32)
  ${loop('i', get('bytes'), num(16), `(v128.store ${add(get('out'), get('i'))} (i64x2.add (v128.load ${add(get('out'), get('i'))}) (v128.load ${add(get('from'), get('i'))})))`)})`;

/** Moves what is above 51 bits of the low words into the high ones: the same number in its only normal form. */
const carry = `
(func (export "carry") (param $out i32) (param $bytes i32) (local $end i32) (local $over v128)
  ${set('end', add(get('out'), get('bytes')))}
  ${loop(
    'out',
    get('end'),
    num(32),
    `${set('over', `(i64x2.shr_s (v128.load offset=16 ${get('out')}) ${num(51)})`)}
    (v128.store ${get('out')} (i64x2.add (v128.load ${get('out')}) ${get('over')}))
    (v128.store offset=16 ${get('out')} (i64x2.sub (v128.load offset=16 ${get('out')}) (i64x2.shl ${get('over')} ${num(51)})))`,
  )})`;

/** Σ a·b over n (even) float64 numbers. */
const dot = `
(func (export "dot") (param $a i32) (param $b i32) (param $n i32) (result f64) (local $i i32) (local $sum v128)
  ${loop('i', get('n'), num(2), `${set('sum', `(f64x2.add ${get('sum')} (f64x2.mul (v128.load ${get('a')}) (v128.load ${get('b')})))`)} ${step('a', num(16))} ${step('b', num(16))}`)}
  (f64.add (f64x2.extract_lane 0 ${get('sum')}) (f64x2.extract_lane 1 ${get('sum')})))`;

/** out[r, c] += tail[r]·tail[c] − head[r]·head[c], exact sums [m, m], for columns c from the start of r's group of w. m and w are even. */
const outer = `
(func (export "outer") (param $head i32) (param $tail i32) (param $m i32) (param $w i32) (param $out i32)
  (local $r i32) (local $c i32) (local $at i32) (local $h v128) (local $t v128) (local $value v128) (local $split v128)
  ${loop(
    'r',
    get('m'),
    num(1),
    `${set('h', `(v128.load64_splat ${add(get('head'), `(i32.shl ${get('r')} ${num(3)})`)})`)}
    ${set('t', `(v128.load64_splat ${add(get('tail'), `(i32.shl ${get('r')} ${num(3)})`)})`)}
    ${set('c', `(i32.mul (i32.div_u ${get('r')} ${get('w')}) ${get('w')})`)}
    ${set('at', add(get('out'), `(i32.shl ${add(`(i32.mul ${get('r')} ${get('m')})`, get('c'))} ${num(4)})`))}
    ${loop(
      'c',
      get('m'),
      num(2),
      `${set(
        'value',
        `(f64x2.sub (f64x2.mul ${get('t')} (v128.load ${add(get('tail'), `(i32.shl ${get('c')} ${num(3)})`)})) (f64x2.mul ${get('h')} (v128.load ${add(get('head'), `(i32.shl ${get('c')} ${num(3)})`)})))`,
      )} ${exactly(get('value'), 'at')} ${step('at', num(32))}`,
    )}`,
  )})`;

/** Fourier transform of eight complex series at once, in place: re and im [n, 8] with rows in bit-reversed order, twiddles [n/2, 2] = cos, −sin. */
const fft = `
(func (export "fft") (param $re i32) (param $im i32) (param $tw i32) (param $n i32)
  (local $half i32) (local $k i32) (local $i i32) (local $p i32) (local $q i32) (local $u i32) (local $v i32) (local $span i32) (local $size i32) (local $gap i32)
  (local $wr v128) (local $wi v128) (local $xr v128) (local $xi v128) (local $yr v128) (local $yi v128) (local $zr v128) (local $zi v128)
  ${set('half', num(1))}
  ${set('size', `(i32.shl ${get('n')} ${num(6)})`)}
  (block $done (loop $stage (br_if $done (i32.ge_u ${get('half')} ${get('n')}))
    ${set('gap', `(i32.shl ${get('half')} ${num(6)})`)}
    ${set('span', `(i32.shl ${get('gap')} ${num(1)})`)}
    ${set('k', num(0))}
    ${loop(
      'k',
      get('half'),
      num(1),
      `${set('p', add(get('tw'), `(i32.shl (i32.mul ${get('k')} (i32.div_u (i32.shr_u ${get('n')} ${num(1)}) ${get('half')})) ${num(4)})`))}
      ${set('wr', `(v128.load64_splat ${get('p')})`)} ${set('wi', `(v128.load64_splat offset=8 ${get('p')})`)}
      ${set('i', `(i32.shl ${get('k')} ${num(6)})`)}
      ${loop(
        'i',
        get('size'),
        get('span'),
        `${set('p', add(get('re'), get('i')))} ${set('q', add(get('im'), get('i')))} ${set('u', add(get('p'), get('gap')))} ${set('v', add(get('q'), get('gap')))}
        ${[0, 16, 32, 48]
          .map(
            (o) => `
          ${set('yr', `(v128.load offset=${o} ${get('u')})`)} ${set('yi', `(v128.load offset=${o} ${get('v')})`)}
          ${set('zr', `(f64x2.sub (f64x2.mul ${get('yr')} ${get('wr')}) (f64x2.mul ${get('yi')} ${get('wi')}))`)}
          ${set('zi', `(f64x2.add (f64x2.mul ${get('yr')} ${get('wi')}) (f64x2.mul ${get('yi')} ${get('wr')}))`)}
          ${set('xr', `(v128.load offset=${o} ${get('p')})`)} ${set('xi', `(v128.load offset=${o} ${get('q')})`)}
          (v128.store offset=${o} ${get('p')} (f64x2.add ${get('xr')} ${get('zr')})) (v128.store offset=${o} ${get('q')} (f64x2.add ${get('xi')} ${get('zi')}))
          (v128.store offset=${o} ${get('u')} (f64x2.sub ${get('xr')} ${get('zr')})) (v128.store offset=${o} ${get('v')} (f64x2.sub ${get('xi')} ${get('zi')}))`,
          )
          .join('')}`,
      )}`,
    )}
    ${set('half', `(i32.shl ${get('half')} ${num(1)})`)} (br $stage))))`;

const HALF = '(v128.const f64x2 0.5 0.5)';
/**
 * Spectra of the real and of the imaginary parts of the eight series just transformed, for frequencies 0…n/2. Each goes to its own rows:
 * real part at `first`, imaginary part of the spectrum `firstIm` bytes after; next frequency `firstNext` bytes after; the same for `second`.
 */
const separate = `
(func (export "separate") (param $re i32) (param $im i32) (param $n i32) (param $first i32) (param $firstIm i32) (param $firstNext i32) (param $second i32) (param $secondIm i32) (param $secondNext i32)
  (local $k i32) (local $m i32) (local $half i32) (local $i i32) (local $fi i32) (local $si i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
  ${set('half', add(`(i32.shr_u ${get('n')} ${num(1)})`, num(1)))}
  ${loop(
    'k',
    get('half'),
    num(1),
    `${set('m', `(i32.shl (i32.and (i32.sub ${get('n')} ${get('k')}) (i32.sub ${get('n')} ${num(1)})) ${num(6)})`)} ${set('i', `(i32.shl ${get('k')} ${num(6)})`)}
    ${set('fi', add(get('first'), get('firstIm')))} ${set('si', add(get('second'), get('secondIm')))}
    ${[0, 16, 32, 48]
      .map(
        (o) => `
      ${set('a', `(v128.load offset=${o} ${add(get('re'), get('i'))})`)} ${set('b', `(v128.load offset=${o} ${add(get('im'), get('i'))})`)}
      ${set('c', `(v128.load offset=${o} ${add(get('re'), get('m'))})`)} ${set('d', `(v128.load offset=${o} ${add(get('im'), get('m'))})`)}
      (v128.store offset=${o} ${get('first')} (f64x2.mul ${HALF} (f64x2.add ${get('a')} ${get('c')})))
      (v128.store offset=${o} ${get('fi')} (f64x2.mul ${HALF} (f64x2.sub ${get('b')} ${get('d')})))
      (v128.store offset=${o} ${get('second')} (f64x2.mul ${HALF} (f64x2.add ${get('b')} ${get('d')})))
      (v128.store offset=${o} ${get('si')} (f64x2.mul ${HALF} (f64x2.sub ${get('c')} ${get('a')})))`,
      )
      .join('')}
    ${step('first', get('firstNext'))} ${step('second', get('secondNext'))}`,
  )})`;

const TILE = ['0', '1'].flatMap((row) => ['0', '1'].map((column) => ({ row, column, name: `${row}${column}` })));
/**
 * Σ over blocks of conj(F)·G at one frequency, added to the exact sums out [rows, columns/2] of 64 bytes (two columns' real and imaginary parts).
 * F [blocks, 2, rows] and G [blocks, 2, columns] hold real and imaginary parts; rows are even, columns a multiple of 4.
 */
const cross = `
(func (export "cross") (param $F i32) (param $G i32) (param $blocks i32) (param $rows i32) (param $columns i32) (param $out i32)
  (local $r i32) (local $c i32) (local $b i32) (local $f i32) (local $g i32) (local $fIm i32) (local $gIm i32) (local $at i32) (local $split v128)
  (local $fr v128) (local $fi v128) (local $gr0 v128) (local $gr1 v128) (local $gi0 v128) (local $gi1 v128)
  ${TILE.map(({ name }) => `(local $re${name} v128) (local $im${name} v128)`).join(' ')}
  ${set('fIm', `(i32.shl ${get('rows')} ${num(3)})`)} ${set('gIm', `(i32.shl ${get('columns')} ${num(3)})`)}
  ${loop(
    'r',
    get('rows'),
    num(2),
    `${set('c', num(0))} ${loop(
      'c',
      get('columns'),
      num(4),
      `${set('f', add(get('F'), `(i32.shl ${get('r')} ${num(3)})`))} ${set('g', add(get('G'), `(i32.shl ${get('c')} ${num(3)})`))}
      ${TILE.map(({ name }) => `${set(`re${name}`, '(v128.const i64x2 0 0)')} ${set(`im${name}`, '(v128.const i64x2 0 0)')}`).join(' ')}
      ${set('b', num(0))}
      ${loop(
        'b',
        get('blocks'),
        num(1),
        `${set('gr0', `(v128.load ${get('g')})`)} ${set('gr1', `(v128.load offset=16 ${get('g')})`)}
        ${set('gi0', `(v128.load ${add(get('g'), get('gIm'))})`)} ${set('gi1', `(v128.load offset=16 ${add(get('g'), get('gIm'))})`)}
        ${['0', '1']
          .map(
            (row) => `
          ${set('fr', `(v128.load64_splat offset=${8 * Number(row)} ${get('f')})`)} ${set('fi', `(v128.load64_splat offset=${8 * Number(row)} ${add(get('f'), get('fIm'))})`)}
          ${['0', '1']
            .map(
              (column) => `
            ${set(`re${row}${column}`, `(f64x2.add ${get(`re${row}${column}`)} (f64x2.add (f64x2.mul ${get('fr')} ${get(`gr${column}`)}) (f64x2.mul ${get('fi')} ${get(`gi${column}`)})))`)}
            ${set(`im${row}${column}`, `(f64x2.add ${get(`im${row}${column}`)} (f64x2.sub (f64x2.mul ${get('fr')} ${get(`gi${column}`)}) (f64x2.mul ${get('fi')} ${get(`gr${column}`)})))`)}`,
            )
            .join('')}`,
          )
          .join('')}
        ${step('f', `(i32.shl ${get('fIm')} ${num(1)})`)} ${step('g', `(i32.shl ${get('gIm')} ${num(1)})`)}`,
      )}
      ${set('at', add(get('out'), `(i32.shl (i32.add (i32.mul ${get('r')} ${get('columns')}) ${get('c')}) ${num(5)})`))}
      ${exactly(get('re00'), 'at', 0)} ${exactly(get('im00'), 'at', 32)} ${exactly(get('re01'), 'at', 64)} ${exactly(get('im01'), 'at', 96)}
      ${step('at', `(i32.shl ${get('columns')} ${num(5)})`)}
      ${exactly(get('re10'), 'at', 0)} ${exactly(get('im10'), 'at', 32)} ${exactly(get('re11'), 'at', 64)} ${exactly(get('im11'), 'at', 96)}`,
    )}`,
  )})`;

const bump = (address: string) =>
  `${set('e', address)} (i32.store ${get('e')} ${add(`(i32.load ${get('e')})`, num(1))})`;
const vectorOf = (offset: number) =>
  `(v128.and (i32x4.shr_u (f32x4.sub (v128.load offset=${offset} align=4 ${add(get('a'), get('i'))}) ${get('state')}) ${num(14)}) (v128.const i32x4 262140 262140 262140 262140))`;
/** Counts the upper 16 bits of a[i+t] − s[i] (float32), i < n, in table t of 65,536 counters, for `steps` steps t. */
const count = (name: string, steps: number) => `
(func (export "${name}") (param $a i32) (param $s i32) (param $n i32) (param $table i32)
  (local $i i32) (local $end i32) (local $e i32) (local $state v128) ${Array.from({ length: steps }, (_, t) => `(local $v${t} v128)`).join(' ')}
  ${set('n', `(i32.shl ${get('n')} ${num(2)})`)} ${set('end', `(i32.and ${get('n')} ${num(-16)})`)}
  ${loop(
    'i',
    get('end'),
    num(16),
    `${set('state', `(v128.load align=4 ${add(get('s'), get('i'))})`)}
    ${Array.from({ length: steps }, (_, t) => set(`v${t}`, vectorOf(4 * t))).join(' ')}
    ${[0, 1, 2, 3]
      .map((lane) =>
        Array.from({ length: steps }, (_, t) =>
          bump(add(add(get('table'), num(t * 262144)), `(i32x4.extract_lane ${lane} ${get(`v${t}`)})`)),
        ).join(' '),
      )
      .join(' ')}`,
  )}
  (block $stop (loop $more (br_if $stop (i32.ge_u ${get('i')} ${get('n')}))
    ${Array.from({ length: steps }, (_, t) =>
      bump(
        add(
          add(get('table'), num(t * 262144)),
          `(i32.and (i32.shr_u (i32.reinterpret_f32 (f32.sub (f32.load offset=${4 * t} ${add(get('a'), get('i'))}) (f32.load ${add(get('s'), get('i'))}))) ${num(14)}) ${num(262140)})`,
        ),
      ),
    ).join(' ')}
    ${step('i', num(4))} (br $more))))`;

const wanted = Array.from(
  { length: 8 },
  (_, k) => `(i32x4.eq ${get('key')} (v128.load32_splat offset=${4 * k} ${get('targets')}))`,
).reduce((a, b) => `(v128.or ${a} ${b})`);
/** Writes the bits of those a[i] − s[i] whose bits >>> shift are one of eight targets to out (room for n + 4); returns how many. n is a multiple of 4. */
const gather = `
(func (export "gather") (param $a i32) (param $s i32) (param $n i32) (param $targets i32) (param $shift i32) (param $out i32) (result i32)
  (local $i i32) (local $end i32) (local $to i32) (local $bits v128) (local $key v128) (local $hit v128)
  ${set('end', `(i32.shl ${get('n')} ${num(2)})`)} ${set('to', get('out'))}
  ${loop(
    'i',
    get('end'),
    num(16),
    `${set('bits', `(f32x4.sub (v128.load align=4 ${add(get('a'), get('i'))}) (v128.load align=4 ${add(get('s'), get('i'))}))`)}
    ${set('key', `(i32x4.shr_u ${get('bits')} ${get('shift')})`)} ${set('hit', wanted)}
    (if (v128.any_true ${get('hit')}) (then ${[0, 1, 2, 3]
      .map(
        (lane) =>
          `(i32.store ${get('to')} (i32x4.extract_lane ${lane} ${get('bits')})) ${step('to', `(i32.and (i32x4.extract_lane ${lane} ${get('hit')}) ${num(4)})`)}`,
      )
      .join(' ')}))`,
  )}
  (i32.shr_u (i32.sub ${get('to')} ${get('out')}) ${num(2)}))`;

export const KERNEL_TEXT = `(module (import "env" "memory" (memory 1))
${[addExact, addIntegers, carry, dot, outer, fft, separate, cross, count('count1', 1), count('count4', 4), gather].join('\n')})`;
