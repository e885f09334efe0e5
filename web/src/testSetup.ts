import "fake-indexeddb/auto";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// jsdom has neither layout nor media queries; figures are drawn at a fixed width and as on a wide light screen.
Object.defineProperty(HTMLElement.prototype, "clientWidth", { configurable: true, get: () => 960 });
window.matchMedia ??= (query: string) =>
  ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }) as unknown as MediaQueryList;
window.CSS ??= { escape: (text: string) => text } as unknown as typeof CSS;

// A loaded machine takes its time; what never comes still fails.
configure({ asyncUtilTimeout: 8000 });
afterEach(cleanup);
