/** Drawn on a 16 px grid with a 1.4 px stroke. An icon never stands alone: its button carries the name. */
const PATHS = {
  search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM10.7 10.7 14 14",
  calendar: "M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v3M10.5 2v3",
  left: "M9.5 4 5.5 8l4 4",
  right: "M6.5 4l4 4-4 4",
  down: "M4.5 6.5 8 10l3.5-3.5",
  up: "M4.5 9.5 8 6l3.5 3.5",
  share: "M6.5 3.5h-3v9h9v-3M9 2.5h4.5V7M13.2 2.8 7.5 8.5",
  download: "M8 2.5v8M4.8 7.5 8 10.7l3.2-3.2M3 13.5h10",
  table: "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6",
  chart: "M3 13V8M8 13V3M13 13V6",
  help: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6.2 6.3a1.8 1.8 0 1 1 2.7 1.6c-.6.3-.9.6-.9 1.2M8 11.2v.1",
  close: "M4 4l8 8M12 4l-8 8",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  plus: "M8 3.5v9M3.5 8h9",
  check: "M3.5 8.5 6.5 11.5 12.5 5",
  warning: "M8 2.5 14.2 13.5H1.8zM8 6.5v3.5M8 11.8v.1",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  grid: "M2.5 2.5h4.5V7H2.5zM9 2.5h4.5V7H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  link: "M6.5 9.5 9.5 6.5M7 4.5l1.5-1.5a3 3 0 0 1 4.3 4.3L11.5 8.5M9 11.5 7.5 13a3 3 0 0 1-4.3-4.3L4.5 7.5",
  pie: "M8 2a6 6 0 1 0 6 6H8zM10.5 2.6a6 6 0 0 1 2.9 2.9h-2.9z",
  users:
    "M6 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM1.8 13.5c.3-2.3 2-3.7 4.2-3.7s3.9 1.4 4.2 3.7M10.5 3.3a2.4 2.4 0 0 1 0 4.5M12 10.1c1.3.5 2.1 1.7 2.3 3.4",
  globe: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM2 8h12M8 2c2 2 2.5 4 2.5 6S10 12 8 14c-2-2-2.5-4-2.5-6S6 4 8 2Z",
  file: "M4 2.5h5.5L12.5 5.5v8H4zM9.3 2.7v3h3",
  enter: "M13 4v4.5H4M6.5 6 4 8.5 6.5 11",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.3v3.7M8 5v.1",
} as const;

export type IconName = keyof typeof PATHS;

const MIRRORED = new Set<IconName>(["left", "right", "share", "enter"]);

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className={MIRRORED.has(name) ? "icon mirrors" : "icon"} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** Four strokes and one across: the tally. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 20 20" aria-hidden="true">
      <path className="mark-strokes" d="M4 4v12M8 4v12M12 4v12M16 4v12" />
      <path className="mark-across" d="M1.5 13.5 18.5 6" />
    </svg>
  );
}
