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
    // What changes seldom stays in the reader's cache when the pages change.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "echarts", test: /node_modules\/(echarts|zrender)\//, priority: 3 },
            { name: "react", test: /node_modules\/(react|react-dom|scheduler|@tanstack)\//, priority: 2 },
            {
              name: "controls",
              test: /node_modules\/(react-aria|react-stately|@react-|@internationalized)/,
              priority: 1,
            },
          ],
        },
      },
    },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8081", "/a/": "http://127.0.0.1:8081" } },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testSetup.ts"],
    restoreMocks: true,
    testTimeout: 30_000,
  },
});
