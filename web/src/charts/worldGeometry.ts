import { geoEqualEarth, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json";
import { registerMap } from "./echarts";
import numericToAlpha2 from "./isoNumeric.json";

/** The name under which ECharts knows the map. */
export const WORLD = "world-110m";

const ANTARCTICA = "010";
/** Places the atlas draws without an ISO number. */
const BY_NAME: Record<string, string> = { Kosovo: "XK" };

let codes: readonly string[] | null = null;

type Ring = [number, number][];

/** The closed outlines of an SVG path made of M, L and Z; y points up, as a map's does. */
export function ringsOf(path: string): Ring[] {
  return path
    .split("M")
    .slice(1)
    .map((outline) =>
      outline
        .replace("Z", "")
        .split("L")
        .map((pair): [number, number] => {
          const [x, y] = pair.split(",").map(Number);
          return [x!, -y!];
        }),
    )
    .filter((ring) => ring.length > 2);
}

/**
 * Registers Natural Earth 1:110m (public domain) once, without Antarctica, and answers its ISO alpha-2 codes in drawing order.
 *
 * Projected here rather than by ECharts: the atlas has no cut at 180°, and d3 cuts the sphere there where ECharts would draw a
 * line across the map.
 */
export function worldCodes(): readonly string[] {
  if (codes) return codes;
  const topology = atlas as unknown as Topology<{ countries: GeometryCollection<{ name: string }> }>;
  const numeric = numericToAlpha2 as Record<string, string>;
  const path = geoPath(geoEqualEarth());
  const features = feature(topology, topology.objects.countries)
    .features.filter((country) => country.id !== ANTARCTICA)
    .map((country) => ({
      type: "Feature" as const,
      properties: {
        name:
          numeric[String(country.id ?? "").padStart(3, "0")] ??
          BY_NAME[country.properties.name] ??
          country.properties.name,
      },
      geometry: { type: "MultiPolygon" as const, coordinates: ringsOf(path(country) ?? "").map((ring) => [ring]) },
    }));
  registerMap(WORLD, { type: "FeatureCollection", features } as never);
  codes = features.map((one) => one.properties.name);
  return codes;
}
