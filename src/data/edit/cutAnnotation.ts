type Interval = readonly [from: number, to: number];

const isInterval = (value: unknown): value is Interval =>
  Array.isArray(value) && value.length === 2 && value.every((end) => typeof end === 'number');

/**
 * The annotation of the frames from `from` up to `to` of an episode: skills and primitives count frames from there, are
 * cut at its ends, and are left out where nothing of them is left. What else stands in it stays.
 */
export function cutAnnotation(annotation: Readonly<Record<string, unknown>>, from: number, to: number) {
  const cut = ([a, b]: Interval): Interval[] => {
    const [begin, end] = [Math.max(a, from) - from, Math.min(b, to) - from];
    return begin < end ? [[begin, end]] : [];
  };
  const part = (entry: unknown): unknown[] => {
    const { frame_duration: was } = entry as { frame_duration?: unknown };
    if (isInterval(was)) return cut(was).map((frame_duration) => ({ ...(entry as object), frame_duration }));
    if (!Array.isArray(was)) return [entry];
    const left = was.filter(isInterval).flatMap(cut);
    return left.length > 0 ? [{ ...(entry as object), frame_duration: left }] : [];
  };
  const list = (key: string) =>
    Array.isArray(annotation[key]) ? { [key]: (annotation[key] as unknown[]).flatMap(part) } : {};
  const { meta_data: meta } = annotation;
  const { valid_duration: valid, task_duration: length } = (meta ?? {}) as Record<string, unknown>;
  const [left = [0, to - from]] = isInterval(valid) ? cut(valid) : [];
  return {
    ...annotation,
    ...list('skill_annotation'),
    ...list('primitive_annotation'),
    ...(meta !== undefined && {
      meta_data: {
        ...(meta as object),
        ...(length !== undefined && { task_duration: to - from }),
        ...(valid !== undefined && { valid_duration: left }),
      },
    }),
  };
}
