/** A number with so many significant digits at most, and no zeros that say nothing: `0.25`, `1230`, `NaN`. */
export const significant = (x: number, digits = 3): string => String(Number(x.toPrecision(digits)));
