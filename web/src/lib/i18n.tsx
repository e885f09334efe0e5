import { createContext, type ReactNode, useContext, useMemo } from "react";
import de from "../locales/de.json";
import en from "../locales/en.json";

type Entry = string | { one: string; other: string };
type Catalogue = Record<string, Entry>;
export type Vars = Record<string, string | number>;
export type Translate = (key: string, vars?: Vars) => string;

const CATALOGUES: Record<string, Catalogue> = { en: en as Catalogue, de: de as Catalogue };
const RIGHT_TO_LEFT = new Set(["ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"]);

function languageOf(locale: string): string {
  return locale.toLowerCase().split("-")[0] ?? "en";
}

/** Plural entries choose by `count`; numbers in the text are written in the page's locale. */
export function translator(locale: string): Translate {
  const catalogue = CATALOGUES[languageOf(locale)] ?? CATALOGUES.en!;
  const rules = new Intl.PluralRules(CATALOGUES[languageOf(locale)] ? locale : "en");
  const numbers = new Intl.NumberFormat(locale);
  return (key, vars = {}) => {
    const entry = catalogue[key] ?? CATALOGUES.en![key];
    if (entry === undefined) return key;
    const text =
      typeof entry === "string" ? entry : rules.select(Number(vars.count ?? 0)) === "one" ? entry.one : entry.other;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = vars[name];
      return value === undefined ? whole : typeof value === "number" ? numbers.format(value) : value;
    });
  };
}

/** A label from data: the page's language, then English, then whatever comes first, then the fallback. */
export function localised(
  label: string | Record<string, string> | null | undefined,
  locale: string,
  fallback: string,
): string {
  if (typeof label === "string") return label === "" ? fallback : label;
  if (!label) return fallback;
  return label[locale] || label[languageOf(locale)] || label.en || Object.values(label).find(Boolean) || fallback;
}

/**
 * A title from a layout. Where it is the default's own English words, in whatever case, the catalogue's are used, so that the default
 * layout speaks every language; a title somebody wrote stays as written.
 */
export function layoutTitle(given: unknown, key: string, t: Translate): string {
  if (typeof given !== "string" || given.trim() === "") return t(key);
  return given.trim().toLowerCase() === translator("en")(key).toLowerCase() ? t(key) : given;
}

interface I18n {
  locale: string;
  direction: "ltr" | "rtl";
  t: Translate;
}

const I18nContext = createContext<I18n>({ locale: "en", direction: "ltr", t: translator("en") });

/** The page's `lang` rules; `?lang=` overrides it so that a link can carry a language. */
export function pageLocale(): string {
  const asked = new URLSearchParams(window.location.search).get("lang");
  for (const candidate of [asked, document.documentElement.lang, "en"]) {
    if (!candidate) continue;
    try {
      return Intl.getCanonicalLocales(candidate)[0] ?? "en";
    } catch {
      // Not a language tag: the next candidate decides.
    }
  }
  return "en";
}

export function directionOf(locale: string): "ltr" | "rtl" {
  return RIGHT_TO_LEFT.has(languageOf(locale)) ? "rtl" : "ltr";
}

export function I18nProvider({ locale, children }: { locale: string; children: ReactNode }) {
  const value = useMemo<I18n>(() => ({ locale, direction: directionOf(locale), t: translator(locale) }), [locale]);
  return <I18nContext.Provider value={value}>{children}</I18nContext.Provider>;
}

export function useI18n(): I18n {
  return useContext(I18nContext);
}
