/** Hands bytes to the browser as a file. */
export function saveFile(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function saveCsv(name: string, text: string): void {
  saveFile(`${name}.csv`, text, "text/csv;charset=utf-8");
}

/** Letters, digits, dot, dash and underscore only, so that a title can name a file. */
export function fileName(...parts: string[]): string {
  return parts
    .map((part) =>
      part
        .normalize("NFKD")
        .replace(/[^\w.-]+/g, "-")
        .replace(/^-+|-+$/g, "")
        .toLowerCase(),
    )
    .filter(Boolean)
    .join("_");
}
