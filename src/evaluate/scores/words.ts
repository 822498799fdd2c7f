/** A share as whole per cent, such as `63 %`. */
export const percentText = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** A p value with three decimals. */
export const chanceText = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));
