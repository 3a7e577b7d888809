// The chat of the page: what is typed becomes events, and events become lines. It is written as an application of
// Flask-SocketIO would have it, on the events of the demo server:
//
//   all(x)          → all(x)            to every client of the namespace
//   room(room, x)   → room(x)           to the others in the room
//   join(room)      → ack "ok"          also leave(room)
//   message(...)    → message-back(...) to the sender; echo(x) likewise
//   kick            the server disconnects this socket

import { showFrame } from "./panel.js";
import { Connection } from "./socketio.js";
import { count } from "./wire.js";

const $ = (id) => document.getElementById(id);

/** So many lines the chat keeps, and so many characters of each. */
const LINES = 500;
const CHARACTERS = 2000;
/** How long to wait for an ack, in ms. */
const PATIENCE = 10_000;

const only = new URLSearchParams(location.search).get("transport");
const transports = ["polling", "websocket"].includes(only) ? [only] : ["polling", "websocket"];
for (const link of document.querySelectorAll("[data-transport]")) {
    if (link.dataset.transport === (transports.length === 1 ? only : "")) link.setAttribute("aria-current", "page");
}

const connection = new Connection("/socket.io/", { transports, onFrame: showFrame, onState: showState });
const socket = connection.socket("/", () => ({ name: $("name").value }));
/** The rooms this window is in: the server forgets them with the socket. */
const rooms = new Set();

// ---------------------------------------------------------------------------------------------------------------------
// The state of the connection

const TRANSPORT_NAMES = { polling: "polling", websocket: "WebSocket" };
let session = { state: "closed" };

function showState(now) {
    session = now;
    const words = {
        opening: () => "connecting …",
        open: () => `connected by ${TRANSPORT_NAMES[now.transport]}${socket.isConnected ? "" : ", but not in the chat"}`,
        waiting: () => `lost (${now.reason}), again in ${(now.wait / 1000).toFixed(1)} s`,
        closed: () => (now.reason ? `closed (${now.reason})` : "not connected"),
    };
    $("state").textContent = words[now.state]();
    $("state").dataset.state = now.state === "open" && !socket.isConnected ? "waiting" : now.state;
    $("state").dataset.transport = now.transport ?? "";
    $("connect").textContent = socket.isWanted ? "Disconnect" : "Connect";
}

$("connect").onclick = () => {
    if (socket.isWanted) connection.close();
    else socket.connect();
};

socket.on("connect", () => {
    showState(session);
    note("You are in the chat.");
    for (const room of rooms) ask("join", room);
});
socket.on("disconnect", (reason) => {
    showState(session);
    note(`You are out of the chat: ${reason}.`);
});
socket.on("connect_error", (error) => {
    showState(session);
    note(`The server does not let you in: ${json(error)}`);
});
socket.on("auth", (auth) => note(`The server has read what came with CONNECT: ${json(auth)}`));

// A page that is left says goodbye; one that comes back from the browser's cache connects again.
addEventListener("pagehide", () => connection.close());
addEventListener("pageshow", ({ persisted }) => persisted && socket.connect());

// ---------------------------------------------------------------------------------------------------------------------
// Messages

$("name").value = sessionStorage.getItem("name") ?? `Guest ${100 + Math.floor(Math.random() * 900)}`;
$("name").onchange = () => sessionStorage.setItem("name", $("name").value);

$("say").onsubmit = (event) => {
    event.preventDefault();
    const room = $("to").value;
    const said = { from: $("name").value, text: $("text").value };
    if (room) {
        // The name of the room goes along in the data: the event that the others get does not say it.
        socket.emit("room", room, { ...said, room });
        // The server sends it to the others only.
        line(said.from, room, said.text);
    } else {
        // It comes back to us as to everybody, so it is not shown yet.
        socket.emit("all", said);
    }
    $("text").value = "";
    $("text").focus();
};

socket.on("all", (x) => showMessage(x));
socket.on("room", (x) => showMessage(x, typeof x?.room === "string" ? x.room : "?"));

/** Another client may send any JSON, so nothing about its shape is sure. */
function showMessage(x, room) {
    if (typeof x?.text === "string") line(typeof x.from === "string" ? x.from : "?", room, x.text);
    else line("?", room, json(x));
}

function line(from, room, text) {
    const item = document.createElement("li");
    item.append(element("b", from), room === undefined ? "" : element("i", `in ${room}`), element("span", text));
    add(item);
}

function note(text) {
    const item = element("li", text);
    item.className = "note";
    add(item);
}

/** Whether the log will be scrolled: what comes in one go is laid out once. */
let isScrolling = false;

function add(item) {
    const log = $("log");
    if (!isScrolling && log.scrollTop + log.clientHeight >= log.scrollHeight - 8) {
        isScrolling = true;
        requestAnimationFrame(() => {
            isScrolling = false;
            log.scrollTop = log.scrollHeight;
        });
    }
    log.append(item);
    while (log.childElementCount > LINES) log.firstElementChild.remove();
}

/** Always as text: what others write is never read as HTML. */
function element(name, text) {
    const made = document.createElement(name);
    made.textContent =
        text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)}… (${count(text.length)} characters)` : text;
    return made;
}

/** A value as text; bytes as their numbers. */
function json(value) {
    const bytes = (_, item) => (item instanceof Uint8Array ? `bytes ${[...item.subarray(0, 16)].join(" ")}` : item);
    return JSON.stringify(value, bytes) ?? "nothing";
}

// ---------------------------------------------------------------------------------------------------------------------
// Rooms

$("rooms").onsubmit = async (event) => {
    event.preventDefault();
    const room = $("room").value;
    $("room").value = "";
    if (await ask("join", room)) {
        rooms.add(room);
        showRooms(room);
    }
};

async function leave(room) {
    if (!(await ask("leave", room))) return;
    rooms.delete(room);
    showRooms();
}

function showRooms(chosen = $("to").value) {
    const [everybody] = $("to").options;
    $("to").replaceChildren(everybody, ...[...rooms].map((room) => new Option(`room ${room}`, room)));
    $("to").value = rooms.has(chosen) ? chosen : "";
    $("joined").replaceChildren(
        ...[...rooms].map((room) => {
            const item = document.createElement("li");
            const button = element("button", `Leave ${room}`);
            button.type = "button";
            button.onclick = () => leave(room);
            item.append(button);
            return item;
        }),
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// Acks, bytes, namespaces, endings

/** Emits an event, waits for its ack, and says what came. */
async function ask(event, ...args) {
    try {
        const answer = await socket.emitWithAck(PATIENCE, event, ...args);
        note(`The server acks ${event}: ${json(answer)}`);
        return true;
    } catch (error) {
        note(`${event}: ${error.message}`);
        return false;
    }
}

socket.on("echo", (x) => note(`echo comes back: ${json(x)}`));
socket.on("message-back", (...args) => note(`message-back: ${json(args)}`));
socket.on("emit-with-ack", (...args) => {
    // The server asks first, with a function as last argument, and then tells what it was answered.
    const answer = typeof args.at(-1) === "function" ? args.pop() : undefined;
    note(answer ? `The server wants an ack of ${json(args)}` : `The server has got the ack: ${json(args)}`);
    answer?.("here", "I am");
});

/** The second namespace, on the same session. */
const custom = connection.socket("/custom");
const customButton = document.querySelector("[data-try=custom]");
custom.on("connect", () => {
    customButton.textContent = "Leave namespace /custom";
    note("You are in /custom too, on the same session.");
    custom.emit("message", "hello from /custom");
});
custom.on("message-back", (...args) => note(`message-back in /custom: ${json(args)}`));
custom.on("disconnect", (reason) => {
    customButton.textContent = "Join namespace /custom";
    note(`You are out of /custom: ${reason}.`);
});
custom.on("connect_error", (error) => note(`The server has no /custom: ${json(error)}`));

const random = connection.socket("/random");
random.on("connect_error", (error) => note(`CONNECT_ERROR for /random: ${json(error)}`));

const tries = {
    echo: () => socket.emit("echo", { number: 42, list: [true, null] }),
    ack: () => ask("message-with-ack", "one", 2, { three: 3 }),
    asked: () => socket.emit("emit-with-ack", "are you there?"),
    binary: () => socket.emit("message", "bytes", new Uint8Array([1, 2, 3, 255]), { more: new Uint8Array([0x68, 0x69]) }),
    custom: () => (custom.isConnected ? custom.disconnect() : custom.connect()),
    random: () => random.connect(),
    drop: () => connection.drop(),
    kick: () => socket.emit("kick"),
};
// Where the wire has its place below the chat, it should be in sight: there these stay folded.
$("more").open = matchMedia("(min-width: 60em)").matches;
for (const button of document.querySelectorAll("[data-try]")) button.onclick = tries[button.dataset.try];

socket.connect();
