;; AdamW, exponential moving average and gradient norm over float32 arrays in linear memory, four lanes at a time.
;; Pointers are byte offsets, multiples of 16; counts are numbers of elements, multiples of 4.
(module
  (import "env" "memory" (memory 1))

  ;; Sum of squares in float64.
  (func (export "sumSquares") (param $x i32) (param $n i32) (result f64)
    (local $i i32) (local $end i32) (local $value v128) (local $low v128) (local $high v128) (local $wide v128)
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
      (local.set $value (v128.load (i32.add (local.get $x) (local.get $i))))
      (local.set $wide (f64x2.promote_low_f32x4 (local.get $value)))
      (local.set $low (f64x2.add (local.get $low) (f64x2.mul (local.get $wide) (local.get $wide))))
      (local.set $wide (f64x2.promote_low_f32x4 (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $value) (local.get $value))))
      (local.set $high (f64x2.add (local.get $high) (f64x2.mul (local.get $wide) (local.get $wide))))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br $next)))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low))))

  ;; g' = clip·g;  m = beta1·m + (1-beta1)·g';  v = beta2·v + (1-beta2)·g'²;
  ;; p = keep·p - rate·m / (√v·root + epsilon), where keep = 1 - learningRate·weightDecay,
  ;; rate = learningRate / (1 - beta1ᵗ), root = √(1 / (1 - beta2ᵗ))
  (func (export "adamw")
    (param $p i32) (param $g i32) (param $m i32) (param $v i32) (param $n i32)
    (param $beta1 f32) (param $rest1 f32) (param $beta2 f32) (param $rest2 f32)
    (param $rate f32) (param $root f32) (param $keep f32) (param $epsilon f32) (param $clip f32)
    (local $i i32) (local $end i32) (local $gv v128) (local $mv v128) (local $vv v128)
    (local $b1 v128) (local $c1 v128) (local $b2 v128) (local $c2 v128) (local $lr v128) (local $ir v128) (local $kp v128) (local $ep v128) (local $cl v128)
    (local.set $b1 (f32x4.splat (local.get $beta1))) (local.set $c1 (f32x4.splat (local.get $rest1)))
    (local.set $b2 (f32x4.splat (local.get $beta2))) (local.set $c2 (f32x4.splat (local.get $rest2)))
    (local.set $lr (f32x4.splat (local.get $rate))) (local.set $ir (f32x4.splat (local.get $root)))
    (local.set $kp (f32x4.splat (local.get $keep))) (local.set $ep (f32x4.splat (local.get $epsilon)))
    (local.set $cl (f32x4.splat (local.get $clip)))
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
      (local.set $gv (f32x4.mul (v128.load (i32.add (local.get $g) (local.get $i))) (local.get $cl)))
      (local.set $mv (f32x4.add
        (f32x4.mul (v128.load (i32.add (local.get $m) (local.get $i))) (local.get $b1))
        (f32x4.mul (local.get $gv) (local.get $c1))))
      (local.set $vv (f32x4.add
        (f32x4.mul (v128.load (i32.add (local.get $v) (local.get $i))) (local.get $b2))
        (f32x4.mul (f32x4.mul (local.get $gv) (local.get $gv)) (local.get $c2))))
      (v128.store (i32.add (local.get $m) (local.get $i)) (local.get $mv))
      (v128.store (i32.add (local.get $v) (local.get $i)) (local.get $vv))
      (v128.store (i32.add (local.get $p) (local.get $i))
        (f32x4.sub
          (f32x4.mul (v128.load (i32.add (local.get $p) (local.get $i))) (local.get $kp))
          (f32x4.div (f32x4.mul (local.get $mv) (local.get $lr))
            (f32x4.add (f32x4.mul (f32x4.sqrt (local.get $vv)) (local.get $ir)) (local.get $ep)))))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br $next))))

  ;; average = decay·average + rest·p
  (func (export "movingAverage") (param $average i32) (param $p i32) (param $n i32) (param $decay f32) (param $rest f32)
    (local $i i32) (local $end i32) (local $d v128) (local $r v128)
    (local.set $d (f32x4.splat (local.get $decay))) (local.set $r (f32x4.splat (local.get $rest)))
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
      (v128.store (i32.add (local.get $average) (local.get $i))
        (f32x4.add
          (f32x4.mul (v128.load (i32.add (local.get $average) (local.get $i))) (local.get $d))
          (f32x4.mul (v128.load (i32.add (local.get $p) (local.get $i))) (local.get $r))))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br $next)))))
