export interface Scale {
  min: number;
  max: number;
  /** Where a grid line and a label stand. */
  ticks: number[];
  /** The scale does not start at zero: its baseline is drawn broken and the ticks are the true ends of the data. */
  broken: boolean;
}

const STEPS = [1, 2, 2.5, 5];

/** A step of 1, 2, 2.5 or 5 times a power of ten that cuts `span` into three to five with the least air above it. */
export function niceStep(span: number, whole = false): number {
  if (!(span > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  let best = { step: 10 * power, waste: Number.POSITIVE_INFINITY };
  for (const factor of [0.1, 1, 10].flatMap((scale) => STEPS.map((step) => step * scale))) {
    const step = factor * power;
    const count = Math.ceil(span / step - 1e-9);
    if (count < 3 || count > 5 || (whole && !Number.isInteger(step))) continue;
    const waste = count * step - span + count * 1e-6 * step;
    if (waste < best.waste) best = { step, waste };
  }
  return best.waste === Number.POSITIVE_INFINITY ? Math.max(whole ? 1 : 0, best.step / 10) : best.step;
}

/** Whole-number quantities never get labels like 0.5; sizes step in their own base. */
function stepFor(span: number, whole: boolean, base: number): number {
  if (base === 1000 || span < base) {
    return niceStep(span, whole);
  }
  const unit = base ** Math.floor(Math.log(span) / Math.log(base));
  return niceStep(span / unit) * unit;
}

/**
 * The vertical scale of a figure.
 *
 * `fromZero` holds for volumes: bars, areas and stacks. Otherwise spec §16.6 decides: from 0 when the minimum is under 1 % of the
 * maximum, else the lower end is max(0, min − 20 % of the range) and the labels are the true minimum and maximum. The upper end
 * leaves a tenth of air above the maximum.
 */
export function scaleOf(
  values: readonly number[],
  options: { fromZero: boolean; whole?: boolean; base?: number; headroom?: number; ownEnds?: boolean },
): Scale {
  const known = values.filter((value) => Number.isFinite(value));
  const whole = options.whole ?? known.every(Number.isInteger);
  const base = options.base ?? 1000;
  const largest = known.length > 0 ? Math.max(...known) : 0;
  const smallest = known.length > 0 ? Math.min(...known) : 0;
  const span = largest - smallest;
  if (options.ownEnds && smallest > 0) {
    // Trend cards: their own true ends, a spread of at least 1, whatever the distance from zero.
    const spread = Math.max(1, span);
    return {
      min: smallest - 0.12 * spread,
      max: largest + 0.08 * spread,
      ticks: span > 0 ? [smallest, largest] : [largest],
      broken: true,
    };
  }
  if (!options.fromZero && span > 0 && smallest > 0 && smallest >= largest * 0.01 && smallest - 0.2 * span > 0) {
    return { min: smallest - 0.2 * span, max: largest + 0.1 * span, ticks: [smallest, largest], broken: true };
  }
  if (largest === 0 && smallest === 0) return { min: 0, max: 4, ticks: [0, 1, 2, 3, 4], broken: false };
  const low = Math.min(0, smallest);
  const high = largest <= 0 ? 0 : largest * (options.headroom ?? 1.1);
  const step = stepFor(high - low, whole, base);
  const min = Math.floor(low / step + 1e-9) * step;
  const max = Math.max(Math.ceil(high / step - 1e-9) * step, min + step);
  const ticks: number[] = [];
  for (let index = 0; min + index * step <= max + step * 1e-6; index += 1)
    ticks.push(roundTo(min + index * step, step));
  return { min, max, ticks, broken: false };
}

/** Removes the dust of adding fractions: 0.30000000000000004 is 0.3. */
function roundTo(value: number, step: number): number {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(step)));
  return Number(value.toFixed(Math.min(digits, 12)));
}
