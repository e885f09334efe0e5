import { type RefObject, useEffect, useRef, useState } from "react";
import type { EChartsType } from "./echarts";

type Library = typeof import("./echarts");
let library: Library | null = null;

/** The drawing library, fetched when the first figure is about to be drawn: tiles, lists and tables do not wait for it. */
export async function loadECharts(): Promise<Library> {
  library ??= await import("./echarts");
  return library;
}

export interface Size {
  width: number;
  height: number;
}

/** Width of an element as it is laid out; 0 until it is. */
export function useWidth(ref: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    setWidth(element.clientWidth);
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver((entries) => {
      const next = Math.floor(entries[0]!.contentRect.width);
      setWidth((old) => (old === next ? old : next));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

/** Draws `option` into a box of `size`; drawn anew, never animated. */
export function useECharts(size: Size, option: object | null): RefObject<HTMLDivElement | null> {
  const box = useRef<HTMLDivElement | null>(null);
  const chart = useRef<EChartsType | null>(null);
  const { width, height } = size;
  const [ready, setReady] = useState(library !== null);
  useEffect(() => {
    let wanted = true;
    if (!ready) void loadECharts().then(() => wanted && setReady(true));
    return () => {
      wanted = false;
    };
  }, [ready]);
  useEffect(() => {
    if (!library || !ready || !box.current || width <= 0 || !option) return;
    if (!chart.current) {
      chart.current = library.init(box.current, null, { renderer: "svg", width, height });
      // What the drawing says is told by the figure's own label, table and live text.
      box.current.querySelector("svg")?.setAttribute("aria-hidden", "true");
    } else {
      chart.current.resize({ width, height });
    }
    chart.current.setOption(option as Record<string, unknown>, { notMerge: true });
  }, [option, width, height, ready]);
  useEffect(
    () => () => {
      chart.current?.dispose();
      chart.current = null;
    },
    [],
  );
  return box;
}
