import { describe, expect, it } from 'vitest';
import {
  matrixOf,
  multiply,
  type Quaternion,
  quaternionOf,
  rotate,
  turn,
  wrapAngle,
  yawQuaternion,
} from './geometry.ts';

describe('geometry', () => {
  it('turns a matrix back into its quaternion, in every branch', () => {
    const samples: Quaternion[] = [
      [1, 0, 0, 0],
      [0.02, 0.9, 0.3, 0.1],
      [0.02, 0.1, 0.9, 0.3],
      [0.02, 0.3, 0.1, 0.9],
    ];
    for (const sample of samples) {
      const norm = Math.hypot(...sample);
      const [w, x, y, z] = sample;
      const unit: Quaternion = [w / norm, x / norm, y / norm, z / norm];
      const back = quaternionOf(matrixOf(unit));
      // q and -q are the same turn.
      const sign = Math.sign(unit.reduce((sum, component, k) => sum + component * back[k as 0 | 1 | 2 | 3], 0));
      for (const [k, component] of unit.entries()) expect(sign * back[k as 0 | 1 | 2 | 3]).toBeCloseTo(component, 12);
    }
  });

  it('turns vectors about the vertical', () => {
    for (const v of [turn([1, 0, 5], Math.PI / 2), rotate(yawQuaternion(Math.PI / 2), [1, 0, 5])]) {
      expect(v[0]).toBeCloseTo(0, 12);
      expect(v[1]).toBeCloseTo(1, 12);
      expect(v[2]).toBeCloseTo(5, 12);
    }
    const twice = multiply(yawQuaternion(0.3), yawQuaternion(0.4));
    expect(twice[3]).toBeCloseTo(Math.sin(0.35), 12);
    expect(wrapAngle(3 * Math.PI + 0.1)).toBeCloseTo(-Math.PI + 0.1, 12);
  });
});
