import { describe, expect, it } from "vitest";
import { niceStep, scaleOf } from "./scale";

describe("scales", () => {
  it.each([
    [4812 * 1.1, 2000, 3],
    [388_290 * 1.1, 100_000, 5],
    [7, 2.5, 3],
    [0.9, 0.2, 5],
  ])("%f is cut by %f into %i", (span, step, count) => {
    expect(niceStep(span)).toBeCloseTo(step, 10);
    expect(Math.ceil(span / step)).toBe(count);
  });

  it("always has three to five cuts of 1, 2, 2.5 or 5", () => {
    for (let exponent = -2; exponent < 9; exponent += 1) {
      for (let value = 1; value < 10; value += 0.37) {
        const span = value * 10 ** exponent;
        const step = niceStep(span);
        const count = Math.ceil(span / step - 1e-9);
        expect(count, `${span}/${step}`).toBeGreaterThanOrEqual(3);
        expect(count, `${span}/${step}`).toBeLessThanOrEqual(5);
        const factor = step / 10 ** Math.floor(Math.log10(step) + 1e-9);
        expect(
          [1, 2, 2.5, 5].some((known) => Math.abs(known - factor) < 1e-6),
          `${step}`,
        ).toBe(true);
      }
    }
  });

  it("never cuts whole numbers into parts", () => {
    expect(scaleOf([1, 2], { fromZero: true }).ticks.every(Number.isInteger)).toBe(true);
    expect(scaleOf([0, 0], { fromZero: true }).ticks).toEqual([0, 1, 2, 3, 4]);
  });

  it("volumes start at zero; what may break shows its true ends", () => {
    expect(scaleOf([90, 100], { fromZero: true }).min).toBe(0);
    const broken = scaleOf([90, 100], { fromZero: false });
    expect(broken).toMatchObject({ broken: true, ticks: [90, 100], min: 88 });
    expect(scaleOf([0.5, 100], { fromZero: false }).broken).toBe(false);
  });

  it("goes below zero for removals", () => {
    const scale = scaleOf([-3, 5], { fromZero: true });
    expect(scale.min).toBeLessThanOrEqual(-3);
    expect(scale.ticks).toContain(0);
  });
});
