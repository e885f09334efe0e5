/** Plain drawing elements, as ECharts' custom series takes them. Pure functions make them, so tests can read a drawing. */
export interface Shape {
  type: "rect" | "polyline" | "polygon" | "path" | "text" | "circle" | "line";
  shape?: Record<string, unknown>;
  style: Record<string, unknown>;
  /** What this element stands for; tests and nothing else read it. */
  name?: string;
}

export const FONT = 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';

export function colorToken(index: number): string {
  return index < 0 ? "var(--comp)" : `var(--c${(index % 8) + 1})`;
}

/** Bars are 82 % opaque on the dark page, so that large surfaces do not glare. */
export function barFill(index: number): string {
  return `color-mix(in srgb, ${colorToken(index)} var(--bar-strength), transparent)`;
}

export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  style: Record<string, unknown>,
  name?: string,
): Shape {
  return { type: "rect", shape: { x, y, width, height }, style, ...(name ? { name } : {}) };
}

export function line(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  style: Record<string, unknown>,
  name?: string,
): Shape {
  return { type: "line", shape: { x1, y1, x2, y2 }, style, ...(name ? { name } : {}) };
}

export function text(
  content: string,
  x: number,
  y: number,
  options: { fill?: string; align?: "left" | "center" | "right"; size?: number; weight?: number; halo?: boolean } = {},
): Shape {
  return {
    type: "text",
    style: {
      text: content,
      x,
      y,
      fill: options.fill ?? "var(--ink3)",
      font: `${options.weight ?? 400} ${options.size ?? 11}px ${FONT}`,
      textAlign: options.align ?? "center",
      textVerticalAlign: "middle",
      ...(options.halo ? { stroke: "var(--paper)", lineWidth: 3 } : {}),
    },
  };
}

/** 45° strokes inside a rectangle, cut at its edges. `step` is the distance along the horizontal. */
export function hatch(
  x: number,
  y: number,
  width: number,
  height: number,
  step: number,
  style: Record<string, unknown>,
  direction: "up" | "down" = "up",
): Shape {
  const parts: string[] = [];
  for (let offset = -height; offset < width; offset += step) {
    const from = Math.max(0, offset);
    const to = Math.min(width, offset + height);
    if (to <= from) continue;
    const yFrom = from - offset;
    const yTo = to - offset;
    const [y1, y2] = direction === "up" ? [y + height - yFrom, y + height - yTo] : [y + yFrom, y + yTo];
    parts.push(`M${round(x + from)} ${round(y1)}L${round(x + to)} ${round(y2)}`);
  }
  return {
    type: "path",
    shape: { pathData: parts.join("") || "M0 0" },
    style: { fill: "none", ...style },
    name: "hatch",
  };
}

export function diamond(x: number, y: number, radius: number): Shape {
  return {
    type: "polygon",
    shape: {
      points: [
        [x, y - radius],
        [x + radius, y],
        [x, y + radius],
        [x - radius, y],
      ],
    },
    style: { fill: "var(--accent)", stroke: "var(--paper)", lineWidth: 1 },
    name: "restated",
  };
}

/** The last cell of a series beyond the eighth repeats a colour; a diagonal tells them apart. */
export function repeats(index: number): boolean {
  return index >= 8;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
