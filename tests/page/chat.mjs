// Drives the chat page in a browser without a screen, as three people would: one line for each thing that holds or fails.
//
//   node chat.mjs http://127.0.0.1:5000/ [path of Chromium]

import { chromium } from "playwright-core";

const [address, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
if (!address) {
    console.error("usage: node chat.mjs ADDRESS [CHROMIUM]");
    process.exit(2);
}
/** How long anything may take, in ms. */
const PATIENCE = 20_000;

const browser = await chromium.launch({
    executablePath,
    // Nothing but the page: no reports, no updates, no look-ups.
    args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ],
});

let failed = 0;
let mode = "";

/** One check: it holds when it does not throw. */
async function check(fact, run) {
    try {
        await run();
        console.log(`ok    ${mode}: ${fact}`);
    } catch (error) {
        failed += 1;
        console.log(`FAIL  ${mode}: ${fact}\n      ${`${error.message}`.replaceAll("\n", "\n      ")}`);
    }
}

function assert(claim, otherwise) {
    if (!claim) throw new Error(otherwise);
}

function assertEqual(actual, expected) {
    const [got, wanted] = [actual, expected].map((value) => JSON.stringify(value));
    assert(got === wanted, `it is ${got}, not ${wanted}`);
}

/** A window of its own, with whatever its console complains of. */
class Window {
    complaints = [];

    static async open(name) {
        const window = new Window();
        window.context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
        const page = await window.context.newPage();
        page.setDefaultTimeout(PATIENCE);
        page.on("console", (said) => {
            if (["error", "warning"].includes(said.type())) window.complaints.push(`${name}: ${said.text()}`);
        });
        page.on("pageerror", (error) => window.complaints.push(`${name}: ${error.message}`));
        window.page = page;
        const query = mode === "upgrade" ? "" : `?transport=${mode}`;
        await page.goto(new URL(query, address).href);
        await window.connected();
        await page.fill("#name", name);
        return window;
    }

    connected() {
        const transport = mode === "polling" ? "polling" : "websocket";
        return this.page.waitForSelector(`#state[data-state=open][data-transport=${transport}]`);
    }

    async say(text, room = "") {
        await this.page.selectOption("#to", room);
        await this.page.fill("#text", text);
        await this.page.press("#text", "Enter");
    }

    /** Waits for a line of the chat. */
    line(text) {
        return this.page.locator("#log li", { hasText: text }).first().waitFor();
    }

    lines(text) {
        return this.page.locator("#log li", { hasText: text }).count();
    }

    /** Does something new to the chat, and waits for what it brings. */
    async try(what, text) {
        await this.page.click(`[data-try=${what}]`);
        await this.line(text);
    }

    async join(room) {
        await this.page.fill("#room", room);
        await this.page.press("#room", "Enter");
        await this.page.locator("#joined button", { hasText: `Leave ${room}` }).waitFor();
    }

    /** The frames in the panel, each with who sent it and what it is, as they stand there. */
    frames() {
        return this.page.$$eval("#frames li", (rows) =>
            rows.map((row) => ({
                way: row.className,
                by: row.querySelector(".by").textContent,
                summary: row.querySelector(".summary").textContent,
                text: row.querySelector(".frame").textContent,
            })),
        );
    }

    /** Waits until a frame like this is in the panel. */
    async frame(like) {
        const end = Date.now() + PATIENCE;
        for (;;) {
            const frames = await this.frames();
            const found = frames.find((frame) => Object.keys(like).every((key) => frame[key].match(like[key])));
            if (found) return found;
            const last = () => frames.slice(-20).map(({ text }) => text.slice(0, 200)).join("\n");
            assert(Date.now() < end, `no frame like ${Object.values(like).join(" ")} among the last\n${last()}`);
            await this.page.waitForTimeout(20);
        }
    }

    /** What the panel says below the frames: text and meaning of each part. */
    meaning() {
        return this.page.$$eval("#meaning dl > div", (parts) =>
            parts.map((part) => [part.querySelector("dt").textContent, part.querySelector(".name").textContent]),
        );
    }
}

for (mode of ["upgrade", "polling", "websocket"]) {
    const windows = [];
    try {
        for (const name of ["Ada", "Bob", "Cyd"]) windows.push(await Window.open(name));
        await drive(...windows);
    } catch (error) {
        failed += 1;
        console.log(`FAIL  ${mode}: three windows connect\n      ${error.message}`);
    }
    await check("nobody's console complains", () => assertEqual(windows.flatMap(({ complaints }) => complaints), []));
    for (const { context } of windows) await context.close();
}
await browser.close();
console.log(failed ? `${failed} failed` : "all hold");
process.exit(failed ? 1 : 0);

async function drive(ada, bob, cyd) {
    await check("the handshake is in the panel, with its keys", async () => {
        await ada.frame({ way: /received/, text: /^0\{"sid":/, summary: /handshake/ });
        await ada.frame({ way: /sent/, text: /^40\{"name":/ });
        await ada.frame({ way: /received/, text: /42\["auth",\{"name":/ });
    });

    await check("frames travel by the transport that was chosen", async () => {
        const all = await ada.frames();
        const by = [...new Set(all.map(({ by }) => by))].sort();
        const expected = { upgrade: ["WebSocket", "polling"], polling: ["polling"], websocket: ["WebSocket"] };
        assertEqual(by, expected[mode]);
        if (mode !== "upgrade") return;
        const texts = all.map(({ way, by, text }) => `${way} ${by} ${text}`);
        const order = ["sent WebSocket 2probe", "received WebSocket 3probe", "sent WebSocket 5"].map((text) => texts.indexOf(text));
        assert(order.every((at) => at >= 0) && order[0] < order[1] && order[1] < order[2], `probe and upgrade at ${order}`);
        const late = all.slice(order[2] + 1).filter(({ by, summary }) => by === "polling" && !/HTTP/.test(summary));
        assertEqual(late, []);
    });

    await check("what one says to everybody reaches all, once each", async () => {
        await ada.say("hello, all of you");
        for (const window of [ada, bob, cyd]) await window.line("hello, all of you");
        await bob.say("hello, Ada");
        for (const window of [ada, bob, cyd]) await window.line("hello, Ada");
        for (const window of [ada, bob, cyd]) assertEqual(await window.lines("hello"), 2);
        assertEqual(await cyd.page.locator("#log li:not(.note)").allTextContents(), ["Adahello, all of you", "Bobhello, Ada"]);
    });

    await check("what one says in a room reaches the others in it, and nobody else", async () => {
        await ada.join("tea");
        await bob.join("tea");
        await ada.say("a secret of the tea room", "tea");
        for (const window of [ada, bob]) await window.line("a secret of the tea room");
        // Events come in order: whoever has this one would have had the other before it.
        await ada.say("no secret");
        await cyd.line("no secret");
        assertEqual([await ada.lines("a secret"), await bob.lines("a secret"), await cyd.lines("a secret")], [1, 1, 0]);
        await bob.page.click("text=Leave tea");
        await bob.page.waitForFunction(() => document.querySelectorAll("#joined li").length === 0);
        await ada.say("a secret of one", "tea");
        await ada.say("said after it");
        await bob.line("said after it");
        assertEqual(await bob.lines("a secret of one"), 0);
    });

    await check("HTML in a message and in a name stays text", async () => {
        const evil = `<img src=x onerror="document.title='broken'"><b>bold</b>`;
        await ada.page.fill("#name", "<i>Ada</i>");
        await ada.say(evil);
        await bob.line(evil);
        await bob.frame({ way: /received/, text: /<b>bold/ });
        assertEqual(await bob.page.locator("#log img, #log span b, #frames img, #frames b, #meaning img").count(), 0);
        assertEqual(await bob.page.title(), "spanwalk: a chat and its wire");
        await ada.page.fill("#name", "Ada");
    });

    await check("echo, an ack of the server, and one of ours", async () => {
        await ada.try("echo", 'echo comes back: {"number":42,"list":[true,null]}');
        await ada.try("ack", 'The server acks message-with-ack: ["one",2,{"three":3}]');
        await ada.try("asked", 'The server has got the ack: ["here","I am"]');
        await ada.frame({ way: /sent/, text: /(^|x1e)43\d+\["here","I am"\]/ });
    });

    await check("bytes go there and back", async () => {
        await ada.try("binary", 'message-back: ["bytes","bytes 1 2 3 255",{"more":"bytes 104 105"}]');
        await ada.frame({ way: /sent/, text: /452-\["message","bytes",\{"_placeholder":true,"num":0\}/ });
        const bytes = mode === "polling" ? /bAQID\/w==/ : /^01 02 03 ff$/;
        await ada.frame({ way: /sent/, text: bytes });
        await ada.frame({ way: /received/, text: bytes });
    });

    await check("a second namespace on the same session, and one that is not there", async () => {
        await ada.try("custom", 'message-back in /custom: ["hello from /custom"]');
        await ada.frame({ way: /sent/, text: /42\/custom,\["message","hello from \/custom"\]/ });
        await ada.try("custom", "You are out of /custom");
        await ada.frame({ way: /sent/, text: /41\/custom,/ });
        await ada.try("random", 'CONNECT_ERROR for /random: {"message":"Invalid namespace"}');
    });

    await check("the panel explains the frame under the pointer, part by part", async () => {
        const row = ada.page.locator("#frames li.sent", { hasText: 'EVENT "all"' }).first();
        await row.locator(".event").first().hover();
        const told = await ada.meaning();
        const from = told.findIndex(([, name]) => name === "event name.") - 3;
        assertEqual(told.slice(from, from + 5).map(([text, name]) => `${text} ${name}`), [
            "4 Engine.IO packet type: message.",
            "2 Socket.IO packet type: EVENT.",
            "not written namespace: /.",
            '"all" event name.',
            '{"from":"Ada","text":"hello, all of you"} argument 1.',
        ]);
        assertEqual(await ada.page.locator("#meaning .looked dt").textContent(), '"all"');
    });

    await check("the panel is used by keys alone", async () => {
        await ada.page.mouse.move(1, 1);
        await ada.page.focus("#frames");
        await ada.page.keyboard.press("Home");
        assertEqual(await ada.page.$eval("#frames", (list) => list.querySelector("[aria-selected=true]") === list.children[0]), true);
        await ada.page.keyboard.press("ArrowRight");
        assertEqual(await ada.page.locator("#meaning .looked .name").textContent(), "HTTP method.");
        await ada.page.keyboard.press("ArrowLeft");
        assertEqual(await ada.page.locator("#meaning .looked .name").textContent(), "transport.");
        await ada.page.keyboard.press("ArrowDown");
        await ada.page.keyboard.press("Escape");
        assertEqual(await ada.page.locator("#frames [aria-selected=true]").count(), 0);
    });

    await check("who is kicked is told, comes back when asked to, and is in the room again", async () => {
        await ada.try("kick", "You are out of the chat: io server disconnect");
        await ada.frame({ way: /received/, text: /(^|x1e)41$|(^|x1e)41\\x1e/ });
        assertEqual(await ada.page.locator("#connect").textContent(), "Connect");
        await ada.page.click("#connect");
        await ada.connected();
        await bob.join("tea");
        await ada.page.locator("#log li", { hasText: "The server acks join" }).nth(1).waitFor();
        await bob.say("back again?", "tea");
        await ada.line("back again?");
    });

    await check("a line that is cut is mended by itself", async () => {
        await bob.try("drop", "You are out of the chat: transport close");
        await bob.page.waitForSelector("#state[data-state=waiting]");
        // What is said meanwhile waits for the connection.
        await bob.say("said without a line");
        await bob.connected();
        await cyd.line("said without a line");
    });

    await check("a text of half a megabyte is cut in the view, with its length", async () => {
        await ada.page.evaluate(() => {
            document.getElementById("text").value = "y".repeat(500_000);
            document.getElementById("say").requestSubmit();
        });
        await cyd.line("(500,000 characters)");
        await cyd.frame({ way: /received/, text: /42\["all",\{"from":"Ada","text":"y+…$/ });
        await cyd.page.locator("#frames li", { hasText: "yyyyyyyy" }).first().evaluate((row) => row.click());
        await cyd.page.locator("#meaning dd", { hasText: "bytes in all; the first 2,000 characters are shown" }).waitFor();
    });

    await check("the panel keeps 500 frames and shows the newest", async () => {
        await ada.page.evaluate(() => {
            for (let number = 0; number < 600; number++) {
                document.getElementById("text").value = `number ${number}.`;
                document.getElementById("say").requestSubmit();
            }
        });
        for (const window of [bob, cyd]) await window.line("number 599.");
        // In order, and all of them.
        const numbers = await cyd.page.$$eval("#log li", (lines) =>
            lines.flatMap((line) => line.textContent.match(/number (\d+)\./)?.[1] ?? []).map(Number),
        );
        assert(numbers.length >= 400 && numbers.every((number, at) => number === numbers[0] + at), `out of order: ${numbers}`);
        // By polling the last ones share a payload, which is cut.
        await bob.frame(mode === "polling" ? { summary: /^\d+ packets/ } : { text: /number 599\./ });
        const shown = await bob.page.$eval("#frames", (list) => ({
            count: list.childElementCount,
            isAtEnd: list.scrollTop + list.clientHeight >= list.scrollHeight - 8,
        }));
        assert(shown.isAtEnd, "the newest frame is out of sight");
        assert(mode === "polling" ? shown.count <= 500 : shown.count === 500, `${shown.count} frames`);
    });

    await check("a page that is left says goodbye", async () => {
        // The event alone: of a page that is really gone nobody could ask what it has sent.
        await cyd.page.evaluate(() => dispatchEvent(new Event("pagehide")));
        await cyd.frame({ way: /sent/, text: mode === "polling" ? /^41\\x1e1$/ : /^41$/ });
        await cyd.page.waitForSelector("#state[data-state=closed]");
    });
}
