import { useMemo } from "react";
import { colorToken } from "./shapes";
import { useECharts } from "./useECharts";

/** Up to six parts, starting at twelve o'clock; the total stands inside, the names in the table beside it. */
export function Donut({
  parts,
  size = 132,
}: {
  parts: readonly { id: string; value: number; color: number }[];
  size?: number;
}) {
  const option = useMemo(
    () => ({
      animation: false,
      series: [
        {
          type: "pie",
          silent: true,
          radius: ["62%", "100%"],
          startAngle: 90,
          label: { show: false },
          labelLine: { show: false },
          emphasis: { disabled: true },
          data: parts.map((part) => ({
            name: part.id,
            value: part.value,
            itemStyle: { color: colorToken(part.color), borderColor: "var(--paper)", borderWidth: 1 },
          })),
        },
      ],
    }),
    [parts],
  );
  const box = useECharts({ width: size, height: size }, option);
  return <div ref={box} style={{ width: size, height: size }} />;
}
