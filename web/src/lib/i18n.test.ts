import { describe, expect, it } from "vitest";
import { directionOf, localised, translator } from "./i18n";

describe("texts", () => {
  it("fill placeholders and choose the plural form", () => {
    expect(translator("en")("watermark.late", { count: 1 })).toBe("1 day behind");
    expect(translator("en")("watermark.late", { count: 1200 })).toBe("1,200 days behind");
    expect(translator("de-AT")("watermark.late", { count: 2 })).toBe("2 Tage im Rückstand");
  });

  it("fall back to English for a language without a catalogue, and to the key for none", () => {
    expect(translator("pt")("action.apply")).toBe("Apply");
    expect(translator("en")("no.such")).toBe("no.such");
  });
});

it("labels from data: the page's language, then English, then the first", () => {
  expect(localised({ en: "Dataset", de: "Datensatz" }, "de", "x")).toBe("Datensatz");
  expect(localised({ en: "Dataset" }, "fr", "x")).toBe("Dataset");
  expect(localised({ pt: "Dados" }, "fr", "x")).toBe("Dados");
  expect(localised("", "en", "dataset")).toBe("dataset");
  expect(localised(null, "en", "dataset")).toBe("dataset");
});

it("knows which languages run right to left", () => {
  expect([directionOf("ar-EG"), directionOf("de")]).toEqual(["rtl", "ltr"]);
});
