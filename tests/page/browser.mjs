// A Chromium without a screen, and checks that say in a line each what holds or fails.

import { chromium } from "playwright-core";

/** Nothing but the page: no reports, no updates, no look-ups. */
const ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const launch = (executablePath) => chromium.launch({ executablePath, args: ARGUMENTS });

export const checks = { failed: 0 };

/** One check: it holds when it does not throw. */
export async function check(fact, run) {
    try {
        await run();
        console.log(`ok    ${fact}`);
    } catch (error) {
        checks.failed += 1;
        console.log(`FAIL  ${fact}\n      ${`${error.stack}`.replaceAll("\n", "\n      ")}`);
    }
}
