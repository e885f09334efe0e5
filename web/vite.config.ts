import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** The server embeds dist/ and finds the hashed names in the manifest; nothing is inlined, so a strict CSP holds. */
export default defineConfig({
  base: "/",
  plugins: [react()],
  build: {
    outDir: "dist",
    manifest: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8081", "/a/": "http://127.0.0.1:8081" } },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testSetup.ts"],
    restoreMocks: true,
  },
});
