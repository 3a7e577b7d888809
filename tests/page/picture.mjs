// A picture of the chat: node picture.mjs http://127.0.0.1:5000/ chat.png
// Needs the packages of package.json beside it, or NODE_PATH to them, and Debian's Chromium.
import { createRequire } from "node:module";

const [address, file] = process.argv.slice(2);
const require = createRequire(`${process.env.NODE_PATH ?? import.meta.dirname + "/node_modules"}/`);
const { chromium } = require("playwright-core");
const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
});
const windows = await browser.newContext({ viewport: { width: 1280, height: 760 }, colorScheme: "light" });
const open = async (query, name) => {
    const page = await windows.newPage();
    await page.goto(address + query);
    await page.fill("#name", name);
    await page.getByText("You are in the chat").waitFor();
    return page;
};
const ada = await open("", "Ada");
const grace = await open("?transport=websocket", "Grace");
const say = async (page, text) => {
    await page.fill("#text", text);
    await page.keyboard.press("Enter");
    await Promise.all([ada, grace].map((window) => window.getByText(text, { exact: true }).first().waitFor()));
};
await ada.getByText("connected by WebSocket").waitFor();
await say(ada, "Who accepts?");
await say(grace, "An io watcher, in the hub");
await ada.getByRole("button", { name: "Ask for an ack" }).click();
await ada.getByText("The server acks").waitFor();
await ada.getByText("Who accepts?").last().hover();
await ada.screenshot({ path: file });
await browser.close();
