// The client of the page against a server that is a few arrays: what it sends, in which order, and when it gives up.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { load } from "./module.mjs";

const { Connection, Decoder, encode } = await load("socketio.js");

/** HTTP requests and WebSockets that wait for what the test answers. */
let gets;
let posts;
let sockets;

class FakeSocket {
    static OPEN = 1;
    readyState = 0;
    sent = [];

    constructor(url) {
        this.url = `${url}`;
        sockets.push(this);
    }

    send(data) {
        this.sent.push(data);
    }

    open() {
        this.readyState = FakeSocket.OPEN;
        this.onopen();
    }

    receive(data) {
        this.onmessage({ data: typeof data === "string" ? data : data.buffer });
    }

    close(code = 1005) {
        if (this.readyState === 3) return;
        this.readyState = 3;
        this.onclose({ code });
    }
}

beforeEach(() => {
    gets = [];
    posts = [];
    sockets = [];
    globalThis.location = { href: "http://localhost:5000/" };
    globalThis.WebSocket = FakeSocket;
    globalThis.fetch = (url, { method, body, signal }) =>
        new Promise((resolve, reject) => {
            const answer = (text, status = 200) => resolve(new Response(text, { status }));
            (method === "GET" ? gets : posts).push({ url: `${url}`, body, answer, fail: reject });
            signal?.addEventListener("abort", () => reject(new Error("aborted")));
        });
    mock.timers.enable({ apis: ["setTimeout"] });
    mock.method(Math, "random", () => 0.5);
});

afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
});

/** Lets all that can go on go on. */
const settle = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Answers the GET that waits. */
async function answer(...packets) {
    gets.shift().answer(packets.join("\x1e"));
    await settle();
}

async function take() {
    const { body, answer } = posts.shift();
    answer("ok");
    await settle();
    return body.split("\x1e");
}

const handshake = (changed = {}) =>
    `0${JSON.stringify({ sid: "s", upgrades: [], pingInterval: 300, pingTimeout: 200, maxPayload: 1000, ...changed })}`;

/** A connection by polling, whose socket is connected. */
async function connect(options = { transports: ["polling"] }, changed = {}) {
    const states = [];
    const frames = [];
    const connection = new Connection("/socket.io/", {
        ...options,
        onState: ({ state, reason, wait }) => states.push([state, reason, wait].filter((word) => word !== undefined).join(" ")),
        onFrame: (frame) => frames.push(frame),
    });
    const socket = connection.socket("/", () => ({ name: "Ada" }));
    socket.connect();
    await answer(handshake(changed));
    assert.deepEqual(await take(), ['40{"name":"Ada"}']);
    await answer('40{"sid":"public"}');
    assert.ok(socket.isConnected);
    return { connection, socket, states, frames };
}

test("packets are written and read in the order of the specification", () => {
    const check = (packet, ...expected) => {
        assert.deepEqual(encode(packet), expected);
        const decoder = new Decoder();
        const read = expected.map((message) => decoder.decode(message));
        assert.deepEqual(read.at(-1), { id: undefined, data: undefined, ...packet });
        assert.ok(read.slice(0, -1).every((packet) => packet === undefined), "whole only with its last attachment");
    };
    const bytes = new Uint8Array([1, 2, 255]);
    check({ type: "0", namespace: "/" }, "0");
    check({ type: "0", namespace: "/custom", data: { a: 1 } }, '0/custom,{"a":1}');
    check({ type: "1", namespace: "/custom" }, "1/custom,");
    check({ type: "2", namespace: "/", data: ["e", 1, null, "é"] }, '2["e",1,null,"é"]');
    check({ type: "2", namespace: "/custom", id: 12, data: ["e"] }, '2/custom,12["e"]');
    check({ type: "3", namespace: "/", id: 0, data: [] }, "30[]");
    check({ type: "2", namespace: "/", data: ["e", bytes] }, '51-["e",{"_placeholder":true,"num":0}]', bytes);
    check(
        { type: "3", namespace: "/custom", id: 7, data: [{ deep: [bytes] }, bytes] },
        '62-/custom,7[{"deep":[{"_placeholder":true,"num":0}]},{"_placeholder":true,"num":1}]',
        bytes,
        bytes,
    );
    check({ type: "4", namespace: "/random", data: { message: "no" } }, '4/random,{"message":"no"}');
});

test("what is no packet is refused", () => {
    const refused = [
        "", "7", "x", "2", "2{}", '2"e"', "2[]", "2[null]", "2[", '3["e"]', "3", "1[]", "0[]", "4", "5", '5["e"]', "5-[]",
        '51["e"]', "2abc", '2x["e"]',
    ];
    for (const text of refused) assert.throws(() => new Decoder().decode(text), undefined, text);
    assert.throws(() => new Decoder().decode(new Uint8Array(1)), /no packet has announced/);
    const decoder = new Decoder();
    decoder.decode('51-["e",{"_placeholder":true,"num":0}]');
    assert.throws(() => decoder.decode('2["e"]'), /attachment was due/);
    for (const number of ["1", "-1", '"length"', '"__proto__"', "null"]) {
        const decoder = new Decoder();
        decoder.decode(`51-["e",{"_placeholder":true,"num":${number}}]`);
        assert.throws(() => decoder.decode(new Uint8Array(1)), /illegal attachments/, number);
    }
});

test("one GET waits at a time, and one POST; what is emitted together travels together", async () => {
    const { socket } = await connect();
    assert.equal(gets.length, 1);
    assert.equal(gets[0].url, "http://localhost:5000/socket.io/?EIO=4&transport=polling&sid=s");
    socket.emit("a", 1);
    socket.emit("b", new Uint8Array([1, 2, 255]));
    await settle();
    socket.emit("c");
    await settle();
    assert.equal(posts.length, 1);
    assert.deepEqual(await take(), ['42["a",1]', '451-["b",{"_placeholder":true,"num":0}]', "bAQL/"]);
    assert.deepEqual(await take(), ['42["c"]']);
    assert.equal(gets.length, 1);
});

test("no body is larger than the server takes", async () => {
    const { socket } = await connect(undefined, { maxPayload: 100 });
    for (const letter of "abcd") socket.emit(letter.repeat(30));
    await settle();
    for (const two of ["ab", "cd"]) assert.deepEqual(await take(), [...two].map((letter) => `42["${letter.repeat(30)}"]`));
    assert.equal(posts.length, 0);
});

test("no body has more packets than a server in Python takes", async () => {
    const { socket } = await connect();
    for (let number = 0; number < 20; number++) socket.emit(`${number}`);
    await settle();
    for (const length of [16, 4]) assert.equal((await take()).length, length);
});

test("a ping is answered, and a server without one in time is given up, at the very moment", async () => {
    const { states } = await connect();
    mock.timers.tick(400);
    await answer("2");
    assert.deepEqual(await take(), ["3"]);
    mock.timers.tick(499);
    assert.equal(states.at(-1), "open");
    mock.timers.tick(1);
    assert.match(states.at(-1), /^waiting ping timeout/);
});

test("a pong goes ahead of what waits", async () => {
    const { socket } = await connect();
    socket.emit("first");
    await settle();
    socket.emit("second");
    await answer("2");
    assert.deepEqual(await take(), ['42["first"]']);
    assert.deepEqual(await take(), ["3", '42["second"]']);
});

test("an upgrade loses nothing: probe, the waiting GET, upgrade, and only then what was emitted meanwhile", async () => {
    const { socket, frames } = await connect({}, { upgrades: ["websocket"] });
    const heard = [];
    socket.on("late", (x) => heard.push(x));
    const [web] = sockets;
    assert.equal(web.url, "ws://localhost:5000/socket.io/?EIO=4&transport=websocket&sid=s");
    web.open();
    assert.deepEqual(web.sent, ["2probe"]);
    socket.emit("before");
    await settle();
    web.receive("3probe");
    socket.emit("meanwhile");
    await settle();
    assert.deepEqual(web.sent, ["2probe"], "the GET still waits");
    await answer('42["late",1]', "6");
    assert.deepEqual(web.sent, ["2probe"], "the POST is still on its way");
    assert.deepEqual(await take(), ['42["before"]']);
    assert.deepEqual(web.sent, ["2probe", "5", '42["meanwhile"]']);
    assert.deepEqual([gets.length, posts.length], [0, 0]);
    web.receive("2");
    web.receive('42["late",2]');
    await settle();
    assert.equal(web.sent.at(-1), "3");
    assert.deepEqual(heard, [1, 2]);
    const told = frames.filter(({ transport }) => transport === "websocket").map(({ kind, sent, data }) => `${sent ? ">" : "<"} ${kind} ${data}`);
    assert.deepEqual(told, [
        "> request GET /socket.io/?EIO=4&transport=websocket&sid=s",
        "< answer 101 Switching Protocols",
        "> frame 2probe",
        "< frame 3probe",
        "> frame 5",
        '> frame 42["meanwhile"]',
        "< frame 2",
        '< frame 42["late",2]',
        "> frame 3",
    ]);
});

test("an upgrade that fails leaves polling as it was", async () => {
    for (const fail of [(web) => web.close(1006), (web) => (web.open(), web.receive("nonsense")), (web) => (web.open(), web.close())]) {
        gets = [];
        sockets = [];
        const { connection, socket, states } = await connect({}, { upgrades: ["websocket"] });
        fail(sockets[0]);
        await settle();
        socket.emit("still here");
        await settle();
        assert.deepEqual(await take(), ['42["still here"]']);
        assert.equal(states.at(-1), "open");
        connection.close();
        posts = [];
    }
});

test("acks both ways, each once", async () => {
    const { socket } = await connect();
    const first = socket.emitWithAck(100, "join", "tea");
    const second = socket.emitWithAck(100, "slow");
    await settle();
    assert.deepEqual(await take(), ['420["join","tea"]', '421["slow"]']);
    await answer('430["ok",{"in":1}]', '430["again"]');
    assert.deepEqual(await first, ["ok", { in: 1 }]);
    mock.timers.tick(100);
    await assert.rejects(second, /no ack within 100 ms/);

    socket.on("asked", (x, ack) => {
        ack(x + 1);
        ack("twice");
    });
    await answer("2", '427["asked",1]');
    assert.deepEqual(await take(), ["3", "437[2]"]);
});

test("a listener that throws ends its own event only", async () => {
    const errors = [];
    globalThis.reportError = (error) => errors.push(error.message);
    const { socket, states } = await connect();
    const heard = [];
    socket.on("e", () => {
        throw new Error("mine");
    });
    socket.on("e", (x) => heard.push(x));
    // Nobody listens to the second last; the last is no event of the server's to emit.
    socket.on("connect", () => heard.push("connected"));
    await answer('42["e",1]', '42["e",2]', '42["unknown"]', '42["connect"]');
    assert.deepEqual([errors, heard, states.at(-1)], [["mine", "mine"], [1, 2], "open"]);
});

test("who is thrown out of the namespace stays out, and comes back by the same session when asked to", async () => {
    const { socket, states } = await connect();
    const reasons = [];
    socket.on("disconnect", (reason) => reasons.push(reason));
    await answer("41");
    assert.deepEqual([reasons, socket.isConnected, states.at(-1)], [["io server disconnect"], false, "open"]);
    socket.emit("early");
    socket.connect();
    await settle();
    assert.deepEqual(await take(), ['40{"name":"Ada"}']);
    await answer("40");
    await settle();
    assert.deepEqual(await take(), ['42["early"]']);
    // And where the server ends the session with it, nothing is opened again by itself.
    await answer("41", "1");
    assert.deepEqual([states.at(-1), gets.length], ["closed transport close", 0]);
});

test("a session that is lost is opened again, later each time, and not for ever longer", async () => {
    const { connection, socket, states } = await connect();
    await answer("1");
    const waits = [];
    for (let attempt = 0; attempt < 5; attempt++) {
        waits.push(Number(states.at(-1).split(" ").at(-1)));
        assert.equal(gets.length, 0);
        mock.timers.tick(waits.at(-1));
        assert.equal(gets.length, 1);
        gets.shift().fail(new Error("refused"));
        await settle();
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 5000, 5000]);
    socket.emit("kept");
    mock.timers.tick(5000);
    await answer(handshake());
    assert.deepEqual(await take(), ['40{"name":"Ada"}']);
    await answer("40");
    assert.deepEqual(await take(), ['42["kept"]']);
    await answer("1");
    assert.equal(states.at(-1), "waiting transport close 1000");
    connection.close();
    mock.timers.tick(10_000);
    assert.deepEqual([states.at(-1), gets.length], ["closed", 0]);
});

test("what cannot be read ends the session", async () => {
    for (const [packet, reason] of [["4abc", "parse error"], ["x", "parse error"], ["451-[]", "parse error"], ["b!", "parse error"]]) {
        gets = [];
        const { connection, states } = await connect();
        await answer(packet, "4x");
        assert.match(states.at(-1), new RegExp(`^waiting ${reason}`), packet);
        connection.close();
    }
    gets = [];
    const { connection, states } = await connect();
    gets.shift().answer('{"code":1,"message":"Session ID unknown"}', 400);
    await settle();
    assert.match(states.at(-1), /^waiting transport error/);
    connection.close();
});

test("closing says goodbye, after what was emitted before", async () => {
    const { connection, socket, states } = await connect();
    socket.emit("last");
    connection.close();
    await settle();
    assert.deepEqual(await take(), ['42["last"]', "41", "1"]);
    assert.equal(states.at(-1), "closed io client disconnect");
    mock.timers.tick(60_000);
    assert.equal(states.at(-1), "closed io client disconnect");
});
