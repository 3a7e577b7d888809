// Pictures of an exported page, wide and light, narrow and dark: node export-picture.mjs page.html export.png export-narrow.png
// Needs the packages of package.json beside it, or NODE_PATH to them, and Debian's Chromium.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [file, ...pictures] = process.argv.slice(2);
const require = createRequire(`${process.env.NODE_PATH ?? import.meta.dirname + "/node_modules"}/`);
const { chromium } = require("playwright-core");
const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
});
const looks = [
    { viewport: { width: 1400, height: 860 }, colorScheme: "light" },
    { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, colorScheme: "dark" },
];
for (const [at, look] of looks.entries()) {
    const page = await (await browser.newContext(look)).newPage();
    await page.goto(pathToFileURL(resolve(file)).href);
    // The end of spawn: what it has done is in its fields.
    while (!(await page.textContent("#status")).includes("· spawn")) await page.keyboard.press("s");
    await page.keyboard.press("n");
    await page.screenshot({ path: pictures[at] });
}
await browser.close();
