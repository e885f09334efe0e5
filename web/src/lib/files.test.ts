import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { csvCell, csvText } from "./csv";
import { fileName } from "./download";
import { gzip, tarOf } from "./tar";

describe("CSV", () => {
  it("quotes what needs it and defuses formulas", () => {
    expect(csvCell('say "hi", all')).toBe('"say ""hi"", all"');
    expect(csvCell("=1+1")).toBe("'=1+1");
    expect(csvCell(-5)).toBe("-5");
    expect(csvCell(null)).toBe("");
    expect(
      csvText([
        ["a", 1],
        ["b", null],
      ]),
    ).toBe("a,1\r\nb,\r\n");
  });
});

it("file names hold letters, digits, dots and dashes", () => {
  expect(fileName("tallykeep", "Où sont/ils?", "", "2026")).toBe("tallykeep_ou-sont-ils_2026");
});

describe("archives", () => {
  it("are readable tars with right sizes and checksums", async () => {
    const tar = tarOf(
      [
        { name: "a.json", content: "{}\n" },
        { name: "é.txt", content: "ü" },
      ],
      0,
    );
    const bytes = gunzipSync(Buffer.from(await gzip(tar)));
    expect(bytes.length % 512).toBe(0);
    expect(bytes.subarray(0, 6).toString()).toBe("a.json");
    expect(Number.parseInt(bytes.subarray(124, 135).toString(), 8)).toBe(3);
    const header = Buffer.from(bytes.subarray(0, 512));
    const stated = Number.parseInt(header.subarray(148, 154).toString(), 8);
    header.fill(" ", 148, 156);
    expect(header.reduce((sum, byte) => sum + byte, 0)).toBe(stated);
    expect(bytes.subarray(512, 515).toString()).toBe("{}\n");
  });
});
