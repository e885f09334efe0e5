import { geoEqualEarth, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json";
import numericToAlpha2 from "./isoNumeric.json";
import { registerMap } from "./echarts";

/** The name under which ECharts knows the map. */
export const WORLD = "world-110m";

const ANTARCTICA = "010";
/** Places the atlas draws without an ISO number. */
const BY_NAME: Record<string, string> = { Kosovo: "XK" };

/** Drawing width of the projection; ECharts scales it to the box. */
export const projection = geoEqualEarth().rotate([-11, 0]);

let registered: { path: (code: string) => [number, number] | null; codes: ReadonlySet<string> } | null = null;

/** Registers Natural Earth 1:110m (public domain) once, without Antarctica, named by ISO alpha-2 code. */
export function world() {
  if (registered) return registered;
  const topology = atlas as unknown as Topology<{ countries: GeometryCollection<{ name: string }> }>;
  const numeric = numericToAlpha2 as Record<string, string>;
  const collection = feature(topology, topology.objects.countries);
  const path = geoPath(projection);
  const centres = new Map<string, [number, number]>();
  const features = collection.features
    .filter((country) => country.id !== ANTARCTICA)
    .map((country) => {
      const code = numeric[String(country.id ?? "").padStart(3, "0")] ?? BY_NAME[country.properties.name] ?? country.properties.name;
      const [x, y] = path.centroid(country);
      centres.set(code, [x, y]);
      return { ...country, properties: { name: code } };
    });
  registerMap(WORLD, { type: "FeatureCollection", features } as never);
  registered = { path: (code) => centres.get(code) ?? null, codes: new Set(centres.keys()) };
  return registered;
}
