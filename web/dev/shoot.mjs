// Takes pictures for looking at: node dev/shoot.mjs <url> <file> [width] [dark|light] [height|full]
import { launch } from "../e2e/browser.mjs";

const [url, file, width = "1280", scheme = "light", height = "full", action = ""] = process.argv.slice(2);
const browser = await launch();
const page = await browser.newPage({
  viewport: { width: Number(width), height: height === "full" ? 900 : Number(height) },
  colorScheme: scheme,
  deviceScaleFactor: Number(width) < 500 ? 2 : 1,
});
page.on(
  "console",
  (message) => ["error", "warning"].includes(message.type()) && console.log(message.type(), message.text()),
);
page.on("pageerror", (error) => console.log("pageerror", error.message));
await page.goto(url, { waitUntil: "networkidle" });
if (action) await new Function("page", `return (async () => { ${action} })()`)(page);
await page.waitForTimeout(400);
await page.screenshot({ path: file, fullPage: height === "full" });
await browser.close();
