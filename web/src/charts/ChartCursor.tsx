import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { centreOf, type Frame, indexAt } from "./frame";

/**
 * The one cursor of a chart: the mouse and the arrow keys move the same line and open the same tooltip, and a live region
 * says what it shows. The tooltip stands beside the bucket and never covers its point.
 */
export function ChartCursor(props: {
  label: string;
  frame: Frame | null;
  size: { width: number; height: number };
  /** What the bucket shows, drawn. */
  tooltip: (index: number) => ReactNode;
  /** The same in one sentence. */
  spoken: (index: number) => string;
  onChoose?: (index: number) => void;
  children: ReactNode;
}) {
  const { frame, size } = props;
  const [index, setIndex] = useState<number | null>(null);
  const [byKeyboard, setByKeyboard] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const current = index !== null && frame && index < frame.count ? index : null;

  const onKeyDown = (event: KeyboardEvent) => {
    if (!frame || frame.count === 0) return;
    const last = frame.count - 1;
    const from = current ?? (event.key === "ArrowRight" ? -1 : last + 1);
    const next = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      setByKeyboard(true);
      setIndex(Math.min(last, Math.max(0, next)));
    } else if (event.key === "Escape") setIndex(null);
    else if (event.key === "Enter" && current !== null) props.onChoose?.(current);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!frame || !box.current) return;
    const bounds = box.current.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    if (x < frame.left - 4 || x > frame.left + frame.width + 4) return setIndex(null);
    setByKeyboard(false);
    setIndex(indexAt(frame, x));
  };

  const x = current !== null && frame ? centreOf(frame, current) : 0;
  const onRight = frame ? x < frame.left + frame.width / 2 : true;
  return (
    <div
      ref={box}
      className="chart-cursor"
      role="group"
      aria-roledescription="chart"
      aria-label={props.label}
      tabIndex={0}
      dir="ltr"
      style={{ height: size.height }}
      onKeyDown={onKeyDown}
      onPointerMove={onPointerMove}
      onPointerDown={onPointerMove}
      onPointerLeave={() => setIndex(null)}
      onBlur={() => setIndex(null)}
    >
      {props.children}
      {current !== null && frame && (
        <>
          <div className="cursor-line" style={{ left: x, top: frame.top, height: frame.height }} />
          <div
            className="float chart-tooltip"
            style={onRight ? { left: x + 14, top: frame.top } : { right: size.width - x + 14, top: frame.top }}
          >
            {props.tooltip(current)}
          </div>
        </>
      )}
      <div className="visually-hidden" aria-live="polite">
        {current !== null && byKeyboard ? props.spoken(current) : ""}
      </div>
    </div>
  );
}
