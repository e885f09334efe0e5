import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { contrast, DEFICIENCIES, oklabDistance, parseHex, simulate, toLinear } from "../lib/oklab";

const css = readFileSync("src/ui/tokens.css", "utf8");

function tokens(block: string): Record<string, string> {
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/gi)].map((match) => [match[1]!, match[2]!]),
  );
}
const [first, media, attribute] = [
  css.indexOf(":root {"),
  css.indexOf("@media (prefers-color-scheme: dark)"),
  css.indexOf(':root[data-theme="dark"]'),
];
const light = tokens(css.slice(first, media));
const dark = tokens(css.slice(media, attribute));
const forced = tokens(css.slice(attribute, css.indexOf("@media (max-width")));
const color = (theme: Record<string, string>, name: string) => toLinear(parseHex(theme[name]!));
const SERIES = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];

/** The smallest distance of any two series under any simulated deficiency. */
function smallestDistance(theme: Record<string, string>): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (const matrix of Object.values(DEFICIENCIES)) {
    const seen = SERIES.map((name) => simulate(color(theme, name), matrix));
    for (let a = 0; a < seen.length; a += 1)
      for (let b = a + 1; b < seen.length; b += 1) smallest = Math.min(smallest, oklabDistance(seen[a]!, seen[b]!));
  }
  return smallest;
}

describe.each([
  ["light", light, 3.0, 0.08],
  ["dark", dark, 3.4, 0.06],
] as const)("%s palette", (_name, theme, leastContrast, leastDistance) => {
  it("series stand out from the page", () => {
    for (const name of [...SERIES, "comp"])
      expect(contrast(color(theme, name), color(theme, "paper")), name).toBeGreaterThanOrEqual(
        name === "comp" ? 3 : leastContrast - 0.005,
      );
  });

  it("no two series meet under protan, deutan or tritan vision", () => {
    expect(smallestDistance(theme)).toBeGreaterThanOrEqual(leastDistance);
  });

  it("text is readable on every surface", () => {
    for (const surface of ["paper", "board", "raised", "sunk"]) {
      for (const ink of ["ink", "ink2", "ink3"])
        expect(contrast(color(theme, ink), color(theme, surface)), `${ink} on ${surface}`).toBeGreaterThanOrEqual(4.5);
    }
    for (const name of ["ok", "warn", "bad", "accent"])
      expect(contrast(color(theme, name), color(theme, "paper")), name).toBeGreaterThanOrEqual(4.5);
    expect(contrast(color(theme, "edge"), color(theme, "raised"))).toBeGreaterThanOrEqual(3);
    expect(contrast(color(theme, "focus"), color(theme, "paper"))).toBeGreaterThanOrEqual(3);
  });
});

it("the map's classes grow steadily darker or lighter", () => {
  for (const theme of [light, dark]) {
    const away = ["m0", "m1", "m2", "m3", "m4", "m5"].map((name) =>
      contrast(color(theme, name), color(theme, "paper")),
    );
    for (let step = 1; step < away.length; step += 1) expect(away[step]!, `m${step}`).toBeGreaterThan(away[step - 1]!);
  }
});

it("the dark theme chosen by hand is the one chosen by the system", () => {
  expect(forced).toEqual(dark);
});
