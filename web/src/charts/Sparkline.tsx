import type { Point } from "../series/model";

/** The shape of a series in a line of text; plain SVG, since it has no axis and no cursor. End point hollow if unfinished. */
export function Sparkline({
  points,
  width = 104,
  height = 32,
  area = true,
}: {
  points: readonly Point[];
  width?: number;
  height?: number;
  area?: boolean;
}) {
  const known = points.map((point, index) => ({ ...point, index })).filter((point) => point.value !== null);
  if (known.length < 2) return null;
  const values = known.map((point) => point.value!);
  const min = Math.min(...values);
  const max = Math.max(...values);
  const inset = 4;
  const x = (index: number) => inset + (index / Math.max(1, points.length - 1)) * (width - 2 * inset);
  const y = (value: number) => height - 3 - (max === min ? 0.5 : (value - min) / (max - min)) * (height - 9);
  const runs: (typeof known)[] = [];
  for (const point of known) {
    const last = runs.at(-1);
    if (last && last.at(-1)!.index === point.index - 1) last.push(point);
    else runs.push([point]);
  }
  const path = (run: typeof known) =>
    run
      .map((point, position) => `${position ? "L" : "M"}${x(point.index).toFixed(1)} ${y(point.value!).toFixed(1)}`)
      .join("");
  const end = known.at(-1)!;
  const unfinished = end.state === "open" || end.state === "provisional";
  return (
    <svg className="sparkline" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      {runs.map((run) => (
        <g key={run[0]!.index}>
          {area && run.length > 1 && (
            <path
              d={`${path(run)}L${x(run.at(-1)!.index).toFixed(1)} ${height - 1}L${x(run[0]!.index).toFixed(1)} ${height - 1}Z`}
              fill="var(--c1)"
              opacity="0.12"
            />
          )}
          <path d={path(run)} fill="none" stroke="var(--c1)" strokeWidth="1.5" strokeLinejoin="round" />
        </g>
      ))}
      {area && <path d={`M0 ${height - 0.5}H${width}`} stroke="var(--line2)" />}
      <circle
        cx={x(end.index)}
        cy={y(end.value!)}
        r="2.6"
        fill={unfinished ? "var(--paper)" : "var(--c1)"}
        stroke="var(--c1)"
        strokeWidth="1.4"
      />
    </svg>
  );
}
