// Drives an exported page in a browser, by keys alone, and compares what it shows with the log as JSON lines.
//
//   node export.mjs start.html start.jsonl hostile.html foreign.html part.html CHROMIUM
//
// Beside start.html are check.json, what `spanwalk check` says of the recording, and at-N.svg, pictures of its stacks.

import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { check, checks, launch } from "./browser.mjs";

const [start, log, hostile, foreign, part, executablePath] = process.argv.slice(2);
const events = (await readFile(log, "utf8")).trim().split("\n").map((line) => JSON.parse(line));
const browser = await launch(executablePath);

/** A window on a page, with what its console says and what it asks for. */
async function open(file, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light", ...options });
    const page = await context.newPage();
    const [said, asked] = [[], []];
    page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("request", (request) => asked.push(request.url()));
    page.on("dialog", (dialog) => {
        said.push(`dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    await page.goto(pathToFileURL(file).href);
    return { page, said, asked, key: (name) => page.keyboard.press(name) };
}

/** The stacks that the page shows, outermost call first. */
const shown = (page) => page.$$eval("#lanes .lane", (lanes) => lanes.map((lane) => {
    const name = lane.querySelector(".name").textContent.split(" · ").at(-1);
    return [name, [...lane.querySelectorAll(".frame")].map((frame) => `${frame.querySelector(".call").textContent} ${frame.querySelector(".file").textContent}`).reverse()];
}));

/** The stacks after so many events, worked out from the JSON lines and from nothing else. */
function logged(cursor) {
    const lanes = new Map();
    const entered = new Set();
    for (const event of events.slice(0, cursor)) {
        if (event.kind === "lane_open") lanes.set(event.lane, []);
        if (event.kind === "lane_close") lanes.delete(event.lane);
        if (event.kind === "open") lanes.get(event.lane)?.push(event);
        if (event.kind === "enter") entered.add(event.span);
        if (event.kind === "close") lanes.set(event.lane, lanes.get(event.lane).filter((open) => open.span !== event.span));
    }
    const place = (open) => `${open.name} ${open.file.split("/").at(-1)}:${open.line}`;
    return [...lanes].map(([lane, stack]) => [lane, stack.filter((open) => entered.has(open.span)).map(place)]);
}

const cursorOf = async (page) => Number(await page.$eval("#scrub", (scrub) => scrub.value));
const text = (page, id) => page.$eval(`#${id}`, (element) => element.textContent);

const { page, said, asked, key } = await open(start);

await check("the page of the start-up is smaller than a megabyte", async () => assert.ok((await stat(start)).size < 1_000_000));

await check("every step forth shows the stacks that the log has there, and leads to a later event", async () => {
    const [seen, end] = [[], events.length];
    for (let before = -1, at = 0; at < end && at !== before; at = await cursorOf(page)) {
        assert.deepEqual(await shown(page), logged(at), `at event ${at}`);
        seen.push(at);
        before = at;
        await key("s");
        assert.ok((await cursorOf(page)) > at, `no step leads on from event ${at}`);
    }
    assert.ok(seen.length > 60, `${seen.length} steps`);
    assert.equal(await cursorOf(page), end);
    for (const at of seen.toReversed().slice(0, 20)) {
        await key("b");
        assert.equal(await cursorOf(page), at);
        assert.deepEqual(await shown(page), logged(at), `back at event ${at}`);
    }
});

await check("single events and the ends are reached by key, with the stacks of the log", async () => {
    await key("Home");
    assert.equal(await cursorOf(page), 0);
    for (let at = 1; at <= 60; at++) {
        await key("e");
        assert.deepEqual(await shown(page), logged(at), `at event ${at}`);
    }
    await key("End");
    assert.deepEqual(await shown(page), logged(events.length));
});

await check("what a lane does is said in the words of the screens", async () => {
    const pictures = (await readdir(dirname(start))).flatMap((name) => name.match(/^at-(\d+)\.svg$/) ?? []).filter((part) => /^\d+$/.test(part));
    assert.ok(pictures.length > 5, `${pictures}`);
    for (const at of pictures) {
        const svg = await readFile(join(dirname(start), `at-${at}.svg`), "utf8");
        const lines = svg.split("</style>")[1].split("\n").map((line) => line.replace(/<[^>]*>/g, "").replaceAll("\u00a0", " "));
        await page.fill("#scrub", at);
        const lanes = await page.$$eval("#lanes .head", (heads) => heads.map((head) => [...head.children].map((part) => part.textContent)));
        assert.ok(lanes.length > 0);
        for (const [name, word] of lanes) assert.ok(lines.some((line) => line.includes(`${name} `) && line.replace(/[│ ]+$/, "").endsWith(` ${word}`)), `${name} ${word} at event ${at}:\n${lines.join("\n")}`);
    }
    await page.focus("#lanes");
});

await check("every claim comes out as the check of the recording says", async () => {
    const { claims } = JSON.parse(await readFile(join(dirname(start), "check.json"), "utf8"));
    await key("A");
    const rows = await page.$$eval("#dialog .claims li", (rows) => rows.map((row) => [row.querySelector(".by").textContent.split(",")[0], row.querySelector(".badge").textContent.slice(2)]));
    assert.ok(rows.length > 60, `${rows.length} claims`);
    for (const [number, word] of rows) assert.equal(word, claims.find((claim) => claim.claim === number)?.outcome.replace("_", " "), number);
    await key("Escape");
});

await check("the lesson, the fields and the source are those of the call", async () => {
    await key("Home");
    const enter = events.findIndex((event) => event.kind === "open" && event.name === "spawn") + 2;
    while ((await cursorOf(page)) < enter) await key("s");
    assert.match(await text(page, "lesson-head"), /^14 · spawn$/);
    const lesson = await text(page, "page");
    for (const said of ["Hand a blocking job to another thread", "✗ WRONG", "has the purpose of watching until a request is received", "· not run the thread watches for requests"]) assert.ok(lesson.includes(said), `${said}: ${lesson}`);
    assert.match(await text(page, "values"), /funcgethostbyaddr/);
    const line = await page.$eval("#code .at", (row) => row.textContent);
    assert.match(line, /^→ \d+ +#\[instrument/);
    await key("n");
    assert.match(await text(page, "values"), /semaphore_after10/);
    assert.match(await text(page, "page"), /✓ holds spawn obtains a semaphore/);
    assert.doesNotMatch(await text(page, "page"), /The worker writes/);
    await key("a");
    assert.match(await text(page, "page"), /The worker writes to the async watcher/);
});

await check("another frame is selected by key, and its lesson shown", async () => {
    await key("ArrowDown");
    assert.match(await text(page, "lesson-head"), /^13 · apply$/);
    assert.equal(await page.$eval("#lanes", (lanes) => document.getElementById(lanes.getAttribute("aria-activedescendant"))?.querySelector(".call").textContent), "apply");
    await key("ArrowUp");
});

await check("the loop starts and serves where the log says", async () => {
    await key("Home");
    await key("r");
    const [event] = [events[(await cursorOf(page)) - 1]];
    assert.deepEqual([event.kind, event.name, event.lane], ["enter", "run", "hub"]);
    assert.match(await text(page, "status"), /loop started/);
    await key("r");
    assert.match(await text(page, "status"), /serving/);
});

await check("before, during and after stand side by side, and the key that opened them closes them", async () => {
    await key("B");
    const columns = await page.$$eval("#dialog .columns > section", (sections) => sections.map((section) => [section.querySelector("h3").textContent, section.getBoundingClientRect().top]));
    assert.deepEqual(columns.map(([title]) => title), ["BEFORE in spawn", "DURING the lookup runs", "AFTER the loop serves"]);
    assert.equal(new Set(columns.map(([, top]) => top)).size, 1);
    assert.match(await text(page, "dialog-body"), /\+get.*−spawn/s);
    await key("B");
    assert.equal(await page.$eval("#dialog", (dialog) => dialog.open), false);
    await key("?");
    assert.match(await text(page, "dialog-body"), /To the end of this call/);
    await key("Escape");
    assert.equal(await page.$eval("#dialog", (dialog) => dialog.open), false);
});

await check("a search finds what the log has, and n and N go through it", async () => {
    await key("Home");
    await key("/");
    await page.keyboard.type("name:gethostbyaddr");
    const places = events.flatMap((event, at) => (event.kind === "enter" && event.name === "gethostbyaddr" ? [at + 1] : []));
    assert.equal(await page.$$eval("#matches button", (rows) => rows.length), places.length);
    await key("Enter");
    await page.focus("#lanes");
    const seen = [await cursorOf(page)];
    for (let at = 1; at < places.length; at++) {
        await key("n");
        seen.push(await cursorOf(page));
    }
    assert.deepEqual(seen, places);
    await key("N");
    assert.equal(await cursorOf(page), places.at(-2));
    await key("Escape");
    assert.equal(await page.isVisible("#find"), false);
});

await check("light and dark are turned by key, and the beginning is what the reader has", async () => {
    const paper = () => page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
    const light = await paper();
    await key("t");
    assert.notEqual(await paper(), light);
    await key("t");
    assert.equal(await paper(), light);
    const dark = await open(start, { colorScheme: "dark" });
    assert.notEqual(await dark.page.$eval("body", (body) => getComputedStyle(body).backgroundColor), light);
});

await check("everything is reached by tab, what has the keys is seen, and what changes is said", async () => {
    await page.evaluate(() => document.activeElement.blur());
    const reached = new Set();
    for (let at = 0; at < 60; at++) {
        await key("Tab");
        const has = await page.evaluate(() => {
            const { activeElement: element } = document;
            return { id: element.id || element.dataset.do, width: parseFloat(getComputedStyle(element).outlineWidth), style: getComputedStyle(element).outlineStyle };
        });
        if (!has.id) continue;
        reached.add(has.id);
        assert.ok(has.width >= 1 && has.style !== "none", `${has.id} does not show that it has the keys`);
    }
    for (const id of ["moments", "search", "help", "into", "back", "scrub", "lanes", "page", "code", "chart", "zoomIn"]) assert.ok(reached.has(id), `${id} is not reached: ${[...reached]}`);
    await page.focus("#scrub");
    const before = await cursorOf(page);
    await key("ArrowRight");
    assert.equal(await cursorOf(page), before + 1);
    assert.match(await page.getAttribute("#scrub", "aria-valuetext"), new RegExp(`event ${before + 1} of`));
    assert.equal(await page.getAttribute("#status", "aria-live"), "polite");
});

await check("a click in the timeline puts the cursor there, and keys zoom", async () => {
    await page.focus("#lanes");
    await key("0");
    const box = await page.locator("#chart").boundingBox();
    await page.mouse.click(box.x + box.width - 30, box.y + 40);
    const late = await cursorOf(page);
    await page.mouse.click(box.x + 140, box.y + 40);
    assert.ok(late > (await cursorOf(page)), "further right is later");
    const picture = () => page.$eval("#chart canvas", (canvas) => canvas.toDataURL());
    const whole = await picture();
    await key("+");
    const near = await picture();
    assert.notEqual(near, whole);
    await key("-");
    assert.equal(await picture(), whole);
});

await check("on paper there are the stacks and every lesson that ran", async () => {
    await page.emulateMedia({ media: "print" });
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    assert.deepEqual(await page.$$eval("#top, #panes", (parts) => parts.map((part) => getComputedStyle(part).display)), ["none", "none"]);
    const printed = await text(page, "print");
    const called = new Set(events.map((event) => event.name));
    for (const part of ["BEFORE in spawn", "14 · spawn", "The worker writes to the async watcher", "23 · wait"]) assert.ok(printed.includes(part), part);
    assert.ok(called.has("wait") && !printed.includes("27 · app"));
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    await page.emulateMedia({ media: "screen" });
});

await check("nothing is wider than the window, from 360 to 1920", async () => {
    for (const width of [360, 700, 1100, 1920]) {
        for (const file of [start, hostile, foreign, part]) {
            const { page } = await open(file, { viewport: { width, height: 740 } });
            for (const name of ["s", "s", "End"]) {
                await page.keyboard.press(name);
                assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${file} at ${width}`);
            }
            await page.context().close();
        }
    }
});

await check("what a program was made to say is text, wherever it is shown", async () => {
    const { page, said, asked } = await open(hostile);
    for (const name of ["s", "s", "s", "End", "ArrowUp", "ArrowDown", "?", "Escape"]) await page.keyboard.press(name);
    await page.keyboard.press("/");
    await page.keyboard.type("img");
    await page.keyboard.press("Enter");
    assert.match(await text(page, "lanes"), /<img src=x onerror=alert\(1\)>/);
    assert.match(await text(page, "values"), /<\/script><script>alert\(2\)<\/script>/);
    assert.match(await text(page, "matches"), /<img src=x/);
    assert.equal(await page.locator("img, iframe, #lanes b, #values script").count(), 0);
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    assert.equal(await page.locator("img").count(), 0);
    assert.deepEqual([said, asked.length], [[], 1]);
});

await check("markup that got into the page would be let run nothing", async () => {
    const { page, said } = await open(hostile);
    await page.evaluate(() => {
        document.getElementById("values").innerHTML = "<img src='data:,x' onerror='document.title = 1'>";
    });
    await page.waitForFunction(() => document.getElementById("values").firstChild);
    assert.ok((await page.title()).includes("spanwalk"));
    assert.ok(said.some((line) => line.includes("Content Security Policy") || line.includes("violates")), `${said}`);
});

await check("a program without lessons has its stacks, fields and timeline, and no empty panes", async () => {
    const { page, said, asked } = await open(foreign);
    await page.keyboard.press("s");
    assert.match(await text(page, "lanes"), /main.*work/s);
    assert.deepEqual(await page.$$eval("#lesson, [data-do=moments], [data-do=claims]", (parts) => parts.map((part) => part.hidden)), [true, true, true]);
    await page.keyboard.press("B");
    assert.equal(await page.$eval("#dialog", (dialog) => dialog.open), false);
    assert.deepEqual([said, asked.length], [[], 1]);
});

await check("a part of a recording begins where it was cut, with what was open", async () => {
    const { page, said } = await open(part);
    assert.match(await text(page, "lanes"), /apply.*run/s);
    const first = Number(await page.getAttribute("#scrub", "min"));
    assert.ok(first > 0 && (await cursorOf(page)) === first);
    await page.keyboard.press("Home");
    assert.equal(await cursorOf(page), first);
    // The hub is left out, and has main's thread all the same while main waits.
    const words = new Set();
    for (let before = -1, at = first; at !== before; at = await cursorOf(page)) {
        words.add(await page.$eval("#lanes .state", (state) => state.textContent));
        before = at;
        await page.keyboard.press("e");
    }
    for (const word of ["RUNNING", "WAITING for AsyncResult.get", "WAITING for stop_event"]) assert.ok(words.has(word), [...words].join(", "));
    assert.deepEqual(said, []);
});

await check("nothing was complained of, and nothing asked for but the page itself", () => assert.deepEqual([said, asked.length], [[], 1]));

await browser.close();
console.log(checks.failed ? `${checks.failed} failed` : "all hold");
process.exit(checks.failed ? 1 : 0);
