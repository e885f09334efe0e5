/** The classes of a map: powers of ten, printed in the legend. Class 0 is none. */
export const CLASS_COUNT = 5;

export interface MapClass {
  /** Smallest and largest value of the class; the last is open at the top. */
  from: number;
  to: number | null;
}

/** Five classes by powers of ten that end where the largest value lies: 1–9 … or 1–99, 100–999, 1k–9.9k, 10k–99k, 100k +. */
export function mapClasses(largest: number): MapClass[] {
  const digits = Math.max(1, Math.floor(Math.log10(Math.max(1, largest))) + 1);
  const classes: MapClass[] = [];
  const first = Math.max(1, digits - CLASS_COUNT + 1);
  let from = 1;
  for (let power = first; power <= Math.max(digits, 1); power += 1) {
    const isLast = power === Math.max(digits, first) && power > 1;
    classes.push({ from, to: isLast ? null : 10 ** power - 1 });
    from = 10 ** power;
  }
  return classes;
}

/** 0 for none, else 1 … 5; the highest class always wears the strongest colour. */
export function classOf(value: number, classes: readonly MapClass[], uniform: boolean): number {
  if (!(value > 0)) return 0;
  if (uniform) return 3;
  const index = classes.findIndex((one) => one.to === null || value <= one.to);
  return rampStep(index === -1 ? classes.length - 1 : index, classes.length);
}

/** Fewer classes spread over the same ramp. */
export function rampStep(index: number, count: number): number {
  return count <= 1 ? 3 : 1 + Math.round((index / (count - 1)) * (CLASS_COUNT - 1));
}
