/**
 * The inner loops of the chunk statistics as WebAssembly text; assembled by assemble.ts into bytes.ts.
 *
 * An exact sum is a pair of 64-bit integers, high·2⁻⁴ + low·2⁻⁵⁵; two neighbouring sums lie in 32 bytes: [high, high, low, low]. A float64 x is split by adding
 * 1.5·2⁵² times the grid: the lowest bits of that sum are x rounded to the grid, as an integer. Integers add up to the same in any order.
 */
const HIGH = '(local.get $HIGH)'; // 1.5·2⁴⁸
const LOW = '(local.get $LOW)'; // 1.5·2⁻³
/** Constants come from mutable globals: V8 would build a constant vector anew at each use. */
const globals = `(global $high (mut f64) (f64.const 422212465065984)) (global $low (mut f64) (f64.const 0.1875)) (global $half (mut f64) (f64.const 0.5))`;
const splitters = `(local $HIGH v128) (local $LOW v128) (local.set $HIGH (f64x2.splat (global.get $high))) (local.set $LOW (f64x2.splat (global.get $low)))`;

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
  ${splitters}
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

/** The bits of x + 1.5·2⁴⁸ and of what that leaves + 1.5·2⁻³, added as integers to locals `high` and `low`; the constants are taken off at the end. */
const gather2 = (x: string, high: string, low: string) => `
  ${set('split', `(f64x2.add ${x} ${HIGH})`)} ${set(high, `(i64x2.add ${get(high)} ${get('split')})`)}
  ${set(low, `(i64x2.add ${get(low)} (f64x2.add (f64x2.sub ${x} (f64x2.sub ${get('split')} ${HIGH})) ${LOW}))`)}`;
/** Adds `high` and `low` of `count` numbers to the exact sums at local `at` + offset. */
const settle = (high: string, low: string, offset: number) => `
  (v128.store offset=${offset} ${get('at')} (i64x2.add (v128.load offset=${offset} ${get('at')}) (i64x2.sub ${get(high)} ${get('highs')})))
  (v128.store offset=${offset + 16} ${get('at')} (i64x2.add (v128.load offset=${offset + 16} ${get('at')}) (i64x2.sub ${get(low)} ${get('lows')})))`;

/**
 * out[r, c] += Σ over episodes of tail[r]·tail[c] − head[r]·head[c], each rounded to float64 and then added exactly: sums [m, m], for columns c from the start
 * of r's group of w. head and tail are [count, m]; w is a multiple of 4, m of w.
 */
const outer = `
(func (export "outer") (param $head i32) (param $tail i32) (param $count i32) (param $m i32) (param $w i32) (param $out i32)
  (local $r i32) (local $c i32) (local $at i32) (local $e i32) (local $p i32) (local $q i32) (local $hp i32) (local $tp i32) (local $stride i32)
  (local $h v128) (local $t v128) (local $value v128) (local $split v128) (local $highs v128) (local $lows v128)
  (local $high0 v128) (local $low0 v128) (local $high1 v128) (local $low1 v128)
  ${splitters}
  ${set('stride', `(i32.shl ${get('m')} ${num(3)})`)}
  ${set('highs', `(i64x2.mul (i64x2.splat (i64.extend_i32_u ${get('count')})) ${HIGH})`)} ${set('lows', `(i64x2.mul (i64x2.splat (i64.extend_i32_u ${get('count')})) ${LOW})`)}
  ${loop(
    'r',
    get('m'),
    num(1),
    `${set('c', `(i32.mul (i32.div_u ${get('r')} ${get('w')}) ${get('w')})`)}
    ${set('at', add(get('out'), `(i32.shl ${add(`(i32.mul ${get('r')} ${get('m')})`, get('c'))} ${num(4)})`))}
    ${loop(
      'c',
      get('m'),
      num(4),
      `${['high0', 'low0', 'high1', 'low1'].map((name) => set(name, '(v128.const i64x2 0 0)')).join(' ')}
      ${set('p', add(get('head'), `(i32.shl ${get('r')} ${num(3)})`))} ${set('q', add(get('tail'), `(i32.shl ${get('r')} ${num(3)})`))}
      ${set('hp', add(get('head'), `(i32.shl ${get('c')} ${num(3)})`))} ${set('tp', add(get('tail'), `(i32.shl ${get('c')} ${num(3)})`))}
      ${set('e', num(0))} ${loop(
        'e',
        get('count'),
        num(1),
        `${set('h', `(v128.load64_splat ${get('p')})`)} ${set('t', `(v128.load64_splat ${get('q')})`)}
        ${[0, 1]
          .map(
            (k) =>
              `${set('value', `(f64x2.sub (f64x2.mul ${get('t')} (v128.load offset=${16 * k} ${get('tp')})) (f64x2.mul ${get('h')} (v128.load offset=${16 * k} ${get('hp')})))`)} ${gather2(get('value'), `high${k}`, `low${k}`)}`,
          )
          .join(' ')}
        ${['p', 'q', 'hp', 'tp'].map((name) => step(name, get('stride'))).join(' ')}`,
      )}
      ${settle('high0', 'low0', 0)} ${settle('high1', 'low1', 32)} ${step('at', num(64))}`,
    )}`,
  )})`;

/** Lowest and highest of each column of x [rows, C] (float32, C a multiple of 4) into out [3, C], which is widened; the third row is not 0 where a number is none. */
const range = `
(func (export "range") (param $x i32) (param $rows i32) (param $C i32) (param $out i32)
  (local $c i32) (local $stride i32) (local $p i32) (local $end i32) (local $v v128) (local $low v128) (local $high v128) (local $bad v128)
  ${set('stride', `(i32.shl ${get('C')} ${num(2)})`)}
  ${loop(
    'c',
    get('stride'),
    num(16),
    `${set('low', `(v128.load ${get('out')})`)} ${set('high', `(v128.load ${add(get('out'), get('stride'))})`)} ${set('bad', `(v128.load ${add(get('out'), `(i32.shl ${get('stride')} ${num(1)})`)})`)}
    ${set('p', add(get('x'), get('c')))} ${set('end', add(get('p'), `(i32.mul ${get('rows')} ${get('stride')})`))}
    ${loop(
      'p',
      get('end'),
      get('stride'),
      `${set('v', `(v128.load ${get('p')})`)} ${set('low', `(f32x4.pmin ${get('low')} ${get('v')})`)} ${set('high', `(f32x4.pmax ${get('high')} ${get('v')})`)} ${set('bad', `(v128.or ${get('bad')} (f32x4.ne ${get('v')} ${get('v')}))`)}`,
    )}
    (v128.store ${get('out')} ${get('low')}) (v128.store ${add(get('out'), get('stride'))} ${get('high')}) (v128.store ${add(get('out'), `(i32.shl ${get('stride')} ${num(1)})`)} ${get('bad')})
    ${step('out', num(16))}`,
  )})`;

const pair = (address: string) => `(v128.load64_zero ${address})`;
const doubles = (address: string) => `(f64x2.promote_low_f32x4 ${pair(address)})`;
const MOMENTS = ['s1', 's2', 'a1', 'a2', 'x'];
/**
 * Sums over rows of A and S [rows, C] float32 into out [5, C] float64, which is added to: s, s², d, d² with d = A − S rounded to float32 where mask is set, else
 * A, and the same difference not rounded. mask [C] of 64 bits.
 */
const moments = `
(func (export "moments") (param $A i32) (param $S i32) (param $rows i32) (param $C i32) (param $mask i32) (param $out i32)
  (local $c i32) (local $stride i32) (local $p i32) (local $q i32) (local $end i32) (local $next i32) (local $m v128) (local $m32 v128) (local $d v128) (local $v v128)
  ${MOMENTS.map((name) => `(local $${name} v128)`).join(' ')}
  ${set('stride', `(i32.shl ${get('C')} ${num(2)})`)} ${set('next', `(i32.shl ${get('C')} ${num(3)})`)}
  ${loop(
    'c',
    get('C'),
    num(2),
    `${set('m', `(v128.load ${get('mask')})`)} ${set('m32', `(i8x16.shuffle 0 1 2 3 8 9 10 11 0 0 0 0 0 0 0 0 ${get('m')} ${get('m')})`)}
    ${set('q', get('out'))} ${MOMENTS.map((name) => `${set(name, `(v128.load ${get('q')})`)} ${step('q', get('next'))}`).join(' ')}
    ${set('p', add(get('A'), `(i32.shl ${get('c')} ${num(2)})`))} ${set('q', add(get('S'), `(i32.shl ${get('c')} ${num(2)})`))} ${set('end', add(get('p'), `(i32.mul ${get('rows')} ${get('stride')})`))}
    ${loop(
      'p',
      get('end'),
      get('stride'),
      `${set('v', doubles(get('q')))} ${set('s1', `(f64x2.add ${get('s1')} ${get('v')})`)} ${set('s2', `(f64x2.add ${get('s2')} (f64x2.mul ${get('v')} ${get('v')}))`)}
      ${set('x', `(f64x2.add ${get('x')} (f64x2.sub ${doubles(get('p'))} (v128.and ${get('v')} ${get('m')})))`)}
      ${set('d', `(f64x2.promote_low_f32x4 (f32x4.sub ${pair(get('p'))} (v128.and ${pair(get('q'))} ${get('m32')})))`)}
      ${set('a1', `(f64x2.add ${get('a1')} ${get('d')})`)} ${set('a2', `(f64x2.add ${get('a2')} (f64x2.mul ${get('d')} ${get('d')}))`)} ${step('q', get('stride'))}`,
    )}
    ${set('q', get('out'))} ${MOMENTS.map((name) => `(v128.store ${get('q')} ${get(name)}) ${step('q', get('next'))}`).join(' ')}
    ${step('out', num(16))} ${step('mask', num(16))}`,
  )})`;

/**
 * The series of one block from rows of A and S (float32, C columns; the row before A is read, too): increments where mask is set, values elsewhere, for `have` of
 * n rows into G [n, C]; for `used` of them into X [n, R] too, with the first e columns' tracking errors A − S at the byte offsets pos [e]; the errors also
 * into E [n, W]. The rest of X and G becomes 0. X and G hold halves, which `separate` doubles.
 */
const prepare = `
(func (export "prepare") (param $A i32) (param $S i32) (param $used i32) (param $have i32) (param $n i32) (param $C i32) (param $R i32) (param $mask i32) (param $pos i32) (param $e i32) (param $W i32) (param $X i32) (param $G i32) (param $E i32)
  (local $i i32) (local $c i32) (local $j i32) (local $stride i32) (local $wide i32) (local $f f64) (local $v v128) (local $half v128) (local.set $half (f64x2.splat (global.get $half)))
  ${set('stride', `(i32.shl ${get('C')} ${num(2)})`)} ${set('wide', `(i32.shl ${get('C')} ${num(3)})`)} ${set('R', `(i32.shl ${get('R')} ${num(3)})`)} ${set('W', `(i32.shl ${get('W')} ${num(3)})`)}
  ${loop(
    'i',
    get('n'),
    num(1),
    `${set('c', num(0))}
    (if (i32.lt_u ${get('i')} ${get('used')}) (then
      ${loop(
        'c',
        get('wide'),
        num(16),
        `${set('j', add(get('A'), `(i32.shr_u ${get('c')} ${num(1)})`))}
        ${set('v', `(f64x2.mul ${get('half')} (f64x2.sub ${doubles(get('j'))} (v128.and ${doubles(`(i32.sub ${get('j')} ${get('stride')})`)} (v128.load ${add(get('mask'), get('c'))}))))`)}
        (v128.store ${add(get('G'), get('c'))} ${get('v')}) (v128.store ${add(get('X'), get('c'))} ${get('v')})`,
      )}
      ${set('j', num(0))} ${loop(
        'j',
        get('e'),
        num(1),
        `${set('c', `(i32.shl ${get('j')} ${num(2)})`)}
        ${set('f', `(f64.sub (f64.promote_f32 (f32.load ${add(get('A'), get('c'))})) (f64.promote_f32 (f32.load ${add(get('S'), get('c'))})))`)}
        (f64.store ${add(get('X'), `(i32.load ${add(get('pos'), get('c'))})`)} (f64.mul ${get('f')} (global.get $half))) (f64.store ${add(get('E'), `(i32.shl ${get('j')} ${num(3)})`)} ${get('f')})`,
      )}
    ) (else
      (memory.fill ${get('X')} ${num(0)} ${get('R')})
      (if (i32.lt_u ${get('i')} ${get('have')}) (then
        ${loop(
          'c',
          get('wide'),
          num(16),
          `${set('j', add(get('A'), `(i32.shr_u ${get('c')} ${num(1)})`))}
          (v128.store ${add(get('G'), get('c'))} (f64x2.mul ${get('half')} (f64x2.sub ${doubles(get('j'))} (v128.and ${doubles(`(i32.sub ${get('j')} ${get('stride')})`)} (v128.load ${add(get('mask'), get('c'))})))))`,
        )}
      ) (else (memory.fill ${get('G')} ${num(0)} ${get('wide')})))
    ))
    ${step('A', get('stride'))} ${step('S', get('stride'))} ${step('X', get('R'))} ${step('G', get('wide'))} ${step('E', get('W'))}`,
  )})`;

/** out [W, W] += Eᵀ·E over `rows` rows of E [rows, W], columns up to the row's own group of 4; W is a multiple of 4. */
const gram = `
(func (export "gram") (param $E i32) (param $rows i32) (param $W i32) (param $out i32)
  (local $r i32) (local $c i32) (local $p i32) (local $q i32) (local $end i32) (local $stride i32) (local $at i32) (local $x v128) (local $y v128) (local $u v128) (local $v v128)
  (local $a00 v128) (local $a01 v128) (local $a10 v128) (local $a11 v128)
  ${set('stride', `(i32.shl ${get('W')} ${num(3)})`)}
  ${loop(
    'r',
    get('stride'),
    num(16),
    `${set('c', num(0))} (block $row (loop $tile (br_if $row (i32.gt_u ${get('c')} ${get('r')}))
      ${['a00', 'a01', 'a10', 'a11'].map((name) => set(name, '(v128.const i64x2 0 0)')).join(' ')}
      ${set('p', add(get('E'), get('r')))} ${set('q', add(get('E'), get('c')))} ${set('end', add(get('p'), `(i32.mul ${get('rows')} ${get('stride')})`))}
      ${loop(
        'p',
        get('end'),
        get('stride'),
        `${set('x', `(v128.load64_splat ${get('p')})`)} ${set('y', `(v128.load64_splat offset=8 ${get('p')})`)} ${set('u', `(v128.load ${get('q')})`)} ${set('v', `(v128.load offset=16 ${get('q')})`)}
        ${[
          ['a00', 'x', 'u'],
          ['a01', 'x', 'v'],
          ['a10', 'y', 'u'],
          ['a11', 'y', 'v'],
        ]
          .map(([a, f, g]) => set(a!, `(f64x2.add ${get(a!)} (f64x2.mul ${get(f!)} ${get(g!)}))`))
          .join(' ')} ${step('q', get('stride'))}`,
      )}
      ${set('at', add(add(get('out'), `(i32.mul (i32.shr_u ${get('r')} ${num(3)}) ${get('stride')})`), get('c')))}
      ${[
        ['a00', 0],
        ['a01', 16],
      ]
        .map(
          ([a, o]) =>
            `(v128.store offset=${o} ${get('at')} (f64x2.add (v128.load offset=${o} ${get('at')}) ${get(String(a))}))`,
        )
        .join(' ')}
      ${step('at', get('stride'))}
      ${[
        ['a10', 0],
        ['a11', 16],
      ]
        .map(
          ([a, o]) =>
            `(v128.store offset=${o} ${get('at')} (f64x2.add (v128.load offset=${o} ${get('at')}) ${get(String(a))}))`,
        )
        .join(' ')}
      ${step('c', num(32))} (br $tile)))`,
  )})`;

/**
 * Eight complex series into re and im [n, 8] in bit-reversed order, with the first two steps of the transform done: real parts from rows at `from`, imaginary parts
 * from rows at `also`. order [n/4] holds the first of the four rows, a quarter of n apart, that meet.
 */
const load = `
(func (export "load") (param $from i32) (param $fromNext i32) (param $also i32) (param $alsoNext i32) (param $n i32) (param $order i32) (param $re i32) (param $im i32)
  (local $end i32) (local $row i32) (local $p i32) (local $q i32) (local $pq i32) (local $qq i32) (local $x0 v128) (local $x1 v128) (local $x2 v128) (local $x3 v128) (local $y0 v128) (local $y1 v128) (local $y2 v128) (local $y3 v128)
  (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $e v128) (local $f v128) (local $g v128) (local $h v128) (local $p2 i32) (local $p1 i32) (local $p3 i32) (local $q1 i32) (local $q2 i32) (local $q3 i32)
  ${set('end', add(get('order'), get('n')))}
  ${set('pq', `(i32.mul (i32.shr_u ${get('n')} ${num(2)}) ${get('fromNext')})`)} ${set('qq', `(i32.mul (i32.shr_u ${get('n')} ${num(2)}) ${get('alsoNext')})`)}
  ${loop(
    'order',
    get('end'),
    num(4),
    `${set('row', `(i32.load ${get('order')})`)}
    ${set('p', add(get('from'), `(i32.mul ${get('row')} ${get('fromNext')})`))} ${set('q', add(get('also'), `(i32.mul ${get('row')} ${get('alsoNext')})`))}
    ${set('p1', add(get('p'), get('pq')))} ${set('p2', add(get('p1'), get('pq')))} ${set('p3', add(get('p2'), get('pq')))}
    ${set('q1', add(get('q'), get('qq')))} ${set('q2', add(get('q1'), get('qq')))} ${set('q3', add(get('q2'), get('qq')))}
    ${[0, 16, 32, 48]
      .map((o) => {
        const at = (address: string) => `(v128.load offset=${o} ${get(address)})`;
        const put = (where: string, row: number, value: string) =>
          `(v128.store offset=${64 * row + o} ${get(where)} ${value})`;
        const plus = (x: string, y: string) => `(f64x2.add ${get(x)} ${get(y)})`;
        const minus = (x: string, y: string) => `(f64x2.sub ${get(x)} ${get(y)})`;
        // Bit-reversed: rows 0 and n/2 meet first, then those with n/4 and 3n/4.
        return `${set('x0', at('p'))} ${set('x1', at('p2'))} ${set('x2', at('p1'))} ${set('x3', at('p3'))} ${set('y0', at('q'))} ${set('y1', at('q2'))} ${set('y2', at('q1'))} ${set('y3', at('q3'))}
        ${set('a', plus('x0', 'x1'))} ${set('b', minus('x0', 'x1'))} ${set('c', plus('x2', 'x3'))} ${set('d', minus('x2', 'x3'))}
        ${set('e', plus('y0', 'y1'))} ${set('f', minus('y0', 'y1'))} ${set('g', plus('y2', 'y3'))} ${set('h', minus('y2', 'y3'))}
        ${put('re', 0, plus('a', 'c'))} ${put('re', 2, minus('a', 'c'))} ${put('im', 0, plus('e', 'g'))} ${put('im', 2, minus('e', 'g'))}
        ${put('re', 1, plus('b', 'h'))} ${put('re', 3, minus('b', 'h'))} ${put('im', 1, minus('f', 'd'))} ${put('im', 3, plus('f', 'd'))}`;
      })
      .join('')}
    ${step('re', num(256))} ${step('im', num(256))}`,
  )})`;

/** Fourier transform of eight complex series at once, in place, from the third step on (`load` does the first two): re and im [n, 8] with rows in bit-reversed order, twiddles [n/2, 2] = cos, −sin. */
const fft = `
(func (export "fft") (param $re i32) (param $im i32) (param $tw i32) (param $n i32)
  (local $half i32) (local $k i32) (local $i i32) (local $p i32) (local $q i32) (local $u i32) (local $v i32) (local $span i32) (local $size i32) (local $gap i32)
  (local $wr v128) (local $wi v128) (local $xr v128) (local $xi v128) (local $yr v128) (local $yi v128) (local $zr v128) (local $zi v128)
  ${set('half', num(4))}
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

/**
 * Twice the spectra of the real and of the imaginary parts of the eight series just transformed, for frequencies 0…n/2. Each goes to its own rows:
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
      (v128.store offset=${o} ${get('first')} (f64x2.add ${get('a')} ${get('c')}))
      (v128.store offset=${o} ${get('fi')} (f64x2.sub ${get('b')} ${get('d')}))
      (v128.store offset=${o} ${get('second')} (f64x2.add ${get('b')} ${get('d')}))
      (v128.store offset=${o} ${get('si')} (f64x2.sub ${get('c')} ${get('a')}))`,
      )
      .join('')}
    ${step('first', get('firstNext'))} ${step('second', get('secondNext'))}`,
  )})`;

const TILE = ['0', '1'].flatMap((row) => ['0', '1'].map((column) => ({ row, column, name: `${row}${column}` })));
/**
 * Σ over each episode's blocks of conj(F)·G at one frequency, added to the exact sums out [rows, columns/2] of 64 bytes (two columns' real and imaginary parts).
 * F [blocks, 2, rows] and G [blocks, 2, columns] hold real and imaginary parts; rows are even, columns a multiple of 4. ends [count]: where each episode's blocks end.
 */
const cross = `
(func (export "cross") (param $F i32) (param $G i32) (param $ends i32) (param $count i32) (param $rows i32) (param $columns i32) (param $out i32)
  (local $r i32) (local $c i32) (local $b i32) (local $f i32) (local $g i32) (local $fIm i32) (local $gIm i32) (local $at i32) (local $e i32) (local $stop i32) (local $end i32) (local $split v128)
  (local $fr v128) (local $fi v128) (local $gr0 v128) (local $gr1 v128) (local $gi0 v128) (local $gi1 v128)
  ${TILE.map(({ name }) => `(local $re${name} v128) (local $im${name} v128)`).join(' ')}
  ${splitters}
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
      ${set('b', num(0))} ${set('e', get('ends'))} ${set('end', add(get('ends'), `(i32.shl ${get('count')} ${num(2)})`))}
      ${loop(
        'e',
        get('end'),
        num(4),
        `${set('stop', `(i32.load ${get('e')})`)}
      ${TILE.map(({ name }) => `${set(`re${name}`, '(v128.const i64x2 0 0)')} ${set(`im${name}`, '(v128.const i64x2 0 0)')}`).join(' ')}
      ${loop(
        'b',
        get('stop'),
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

/** One tail's part of `tails`, for the four numbers in local `v`: `side` 0 is the low one. */
const tail = (v: string, side: 0 | 1, bounds: string, counts: string, outs: string, o: number) => {
  const [beyond, reach] = side === 0 ? ['lt', 'le'] : ['gt', 'ge'];
  const bump = (k: number, value: string) =>
    `(v128.store offset=${48 * side + 16 * k} ${get(counts)} (i32x4.sub (v128.load offset=${48 * side + 16 * k} ${get(counts)}) ${value}))`;
  return `
  ${set('outer', `(v128.load32_splat offset=${8 * side} ${get(bounds)})`)} ${set('inner', `(v128.load32_splat offset=${8 * side + 4} ${get(bounds)})`)}
  (if (v128.any_true (f32x4.${reach} ${get(v)} ${get('inner')})) (then
    ${set('mask', `(f32x4.${reach} ${get(v)} ${get('outer')})`)}
    ${bump(0, `(f32x4.${beyond} ${get(v)} ${get('outer')})`)} ${bump(1, get('mask'))} ${bump(2, `(f32x4.${reach} ${get(v)} ${get('inner')})`)}
    ${set('mask', `(v128.andnot (f32x4.${beyond} ${get(v)} ${get('inner')}) ${get('mask')})`)}
    (if (v128.any_true ${get('mask')}) (then
      ${set('to', `(i32.load offset=${o} ${get(outs)})`)}
      ${[0, 1, 2, 3]
        .map(
          (lane) =>
            `(f32.store ${get('to')} (f32x4.extract_lane ${lane} ${get(v)})) ${step('to', `(i32.and (i32x4.extract_lane ${lane} ${get('mask')}) ${num(4)})`)}`,
        )
        .join(' ')}
      (i32.store offset=${o} ${get(outs)} ${get('to')})))))`;
};
/**
 * The tails of v = a[i+t] − s[i] (float32), i < n, for each t < h. s is followed by three NaNs. own [h, 4] and rows [4]: outer and inner bound of the low tail, of
 * the high tail. counts [h, 6] and rowCounts [6] of four integers each: how many lie beyond the outer bound, beyond or on it, beyond or on the inner one, which
 * are added to. What lies between the bounds is written to the addresses outs [h, 2] and rowOuts [2], which move on.
 */
const tails = `
(func (export "tails") (param $a i32) (param $s i32) (param $n i32) (param $h i32) (param $own i32) (param $rows i32) (param $counts i32) (param $rowCounts i32) (param $outs i32) (param $rowOuts i32)
  (local $t i32) (local $p i32) (local $q i32) (local $end i32) (local $to i32) (local $v v128) (local $low v128) (local $high v128) (local $outer v128) (local $inner v128) (local $mask v128)
  ${loop(
    't',
    get('h'),
    num(1),
    `${set('low', `(f32x4.pmax (v128.load32_splat offset=4 ${get('own')}) (v128.load32_splat offset=4 ${get('rows')}))`)}
    ${set('high', `(f32x4.pmin (v128.load32_splat offset=12 ${get('own')}) (v128.load32_splat offset=12 ${get('rows')}))`)}
    ${set('p', get('a'))} ${set('q', get('s'))} ${set('end', add(get('s'), `(i32.shl ${get('n')} ${num(2)})`))}
    ${loop(
      'q',
      get('end'),
      num(16),
      `${set('v', `(f32x4.sub (v128.load align=4 ${get('p')}) (v128.load align=4 ${get('q')}))`)}
      (if (v128.any_true (v128.or (f32x4.le ${get('v')} ${get('low')}) (f32x4.ge ${get('v')} ${get('high')}))) (then
        ${tail('v', 0, 'own', 'counts', 'outs', 0)} ${tail('v', 1, 'own', 'counts', 'outs', 4)}
        ${tail('v', 0, 'rows', 'rowCounts', 'rowOuts', 0)} ${tail('v', 1, 'rows', 'rowCounts', 'rowOuts', 4)}))
      ${step('p', num(16))}`,
    )}
    ${step('a', num(4))} ${step('own', num(16))} ${step('counts', num(96))} ${step('outs', num(8))}`,
  )})`;

export const KERNEL_TEXT = `(module (import "env" "memory" (memory 1)) ${globals}
${[addExact, addIntegers, carry, outer, range, moments, prepare, gram, load, fft, separate, cross, count('count1', 1), count('count4', 4), tails].join('\n')})`;
