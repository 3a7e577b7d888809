// What the panel says about each kind of frame: a table.

import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./module.mjs";

const { explain, count, SHOWN, SHOWN_BYTES } = await load("wire.js");

const SENT = true;
const RECEIVED = false;

/** The named parts, each as `text | name | value`, without the trailing empty ones. */
function check(kind, sent, data, summary, expected) {
    const told = explain({ kind, data, sent });
    const parts = told.parts
        .filter(({ name }) => name)
        .map(({ text, name, value }) => [text, name, value].filter((word) => word !== undefined).join(" | "));
    assert.deepEqual(parts, expected, `${data}`);
    assert.equal(told.summary, summary, `${data}`);
    for (const part of told.parts) assert.ok(!part.name || part.says, `${data}: ${part.name} says nothing`);
    // Nothing on the wire is left out and nothing is invented.
    if (typeof data === "string") {
        assert.equal(told.parts.map(({ text }) => text).join(""), data.replaceAll("\x1e", "\\x1e"));
        assert.equal(told.bytes, Buffer.byteLength(data));
    }
    return told;
}

const says = (told, name) => told.parts.find((part) => part.name === name).says;

const MESSAGE = "4 | Engine.IO packet type | message";
const IMPLIED = " | namespace | /";
const type = (digit, name) => `${digit} | Socket.IO packet type | ${name}`;

test("the handshake is explained key by key", () => {
    const data = '0{"sid":"lv_VI97HAXpY6yYWAAAB","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}';
    const told = check("payload", RECEIVED, data, "open: the handshake", [
        "0 | Engine.IO packet type | open",
        '"sid":"lv_VI97HAXpY6yYWAAAB" | sid',
        '"upgrades":["websocket"] | upgrades',
        '"pingInterval":25000 | pingInterval',
        '"pingTimeout":20000 | pingTimeout',
        '"maxPayload":1000000 | maxPayload',
    ]);
    assert.match(says(told, "sid"), /secret/);
    assert.match(says(told, "pingInterval"), /25 s/);
    assert.match(says(explain({ kind: "frame", data: '0{"upgrades":[]}', sent: RECEIVED }), "upgrades"), /none/);
});

test("the packets of Engine.IO", () => {
    const one = (digit, name) => [`${digit} | Engine.IO packet type | ${name}`];
    check("frame", RECEIVED, "1", "close", one(1, "close"));
    check("frame", RECEIVED, "2", "ping", one(2, "ping"));
    check("frame", SENT, "3", "pong", one(3, "pong"));
    check("frame", SENT, "2probe", "ping: probe", [...one(2, "ping"), "probe | probe"]);
    check("frame", RECEIVED, "3probe", "pong: probe", [...one(3, "pong"), "probe | probe"]);
    check("frame", SENT, "5", "upgrade", one(5, "upgrade"));
    check("payload", RECEIVED, "6", "noop", one(6, "noop"));
});

test("heartbeats, requests and all else are told apart", () => {
    const sort = (kind, data) => explain({ kind, data, sent: SENT }).sort;
    assert.equal(sort("frame", "2"), "heartbeat");
    assert.equal(sort("payload", "3"), "heartbeat");
    assert.equal(sort("payload", '2\x1e42["all",1]'), "packet");
    assert.equal(sort("frame", "2probe"), "packet");
    assert.equal(sort("request", "GET /socket.io/?EIO=4"), "http");
    assert.equal(sort("answer", "200 ok"), "http");
    assert.equal(sort("close", "1005"), "http");
});

test("an event: name, arguments, and the namespace that is not written", () => {
    const told = check("frame", SENT, '42["message","hi"]', 'EVENT "message"', [
        MESSAGE,
        type(2, "EVENT"),
        IMPLIED,
        '"message" | event name',
        '"hi" | argument 1',
    ]);
    assert.match(says(told, "namespace"), /implied/);
    assert.match(says(told, "argument 1"), /string/);
    check("frame", RECEIVED, '42["message-back", 1, {"a": [1, "],"]}, null]', 'EVENT "message-back"', [
        MESSAGE,
        type(2, "EVENT"),
        IMPLIED,
        '"message-back" | event name',
        "1 | argument 1",
        '{"a": [1, "],"]} | argument 2',
        "null | argument 3",
    ]);
    check("frame", SENT, String.raw`42["a\"]","\\"]`, String.raw`EVENT "a\"]"`, [
        MESSAGE,
        type(2, "EVENT"),
        IMPLIED,
        String.raw`"a\"]" | event name`,
        String.raw`"\\" | argument 1`,
    ]);
});

test("a namespace of its own, with and without data", () => {
    check("frame", SENT, '42/custom,["message","hi"]', 'EVENT "message" in /custom', [
        MESSAGE,
        type(2, "EVENT"),
        "/custom, | namespace | /custom",
        '"message" | event name',
        '"hi" | argument 1',
    ]);
    check("frame", SENT, "40/custom,", "CONNECT in /custom", [MESSAGE, type(0, "CONNECT"), "/custom, | namespace | /custom"]);
    check("frame", SENT, "41/custom", "DISCONNECT in /custom", [
        MESSAGE,
        type(1, "DISCONNECT"),
        "/custom | namespace | /custom",
    ]);
});

test("CONNECT, its answer, DISCONNECT and CONNECT_ERROR", () => {
    check("frame", SENT, "40", "CONNECT", [MESSAGE, type(0, "CONNECT"), IMPLIED]);
    check("frame", SENT, '40{"name":"Ada"}', "CONNECT", [
        MESSAGE,
        type(0, "CONNECT"),
        IMPLIED,
        '"name":"Ada" | auth: name',
    ]);
    const answer = check("frame", RECEIVED, '40{"sid":"oSO0OpakMV_3jnilAAAA"}', "CONNECT", [
        MESSAGE,
        type(0, "CONNECT"),
        IMPLIED,
        '"sid":"oSO0OpakMV_3jnilAAAA" | sid',
    ]);
    assert.match(says(answer, "sid"), /not the session id/);
    const kicked = check("frame", RECEIVED, "41", "DISCONNECT", [MESSAGE, type(1, "DISCONNECT"), IMPLIED]);
    assert.match(says(kicked, "Socket.IO packet type"), /server throws/);
    check("frame", RECEIVED, '44/random,{"message":"Invalid namespace"}', "CONNECT_ERROR in /random", [
        MESSAGE,
        type(4, "CONNECT_ERROR"),
        "/random, | namespace | /random",
        '"message":"Invalid namespace" | message',
    ]);
});

test("an event that wants an ack, and the ack", () => {
    check("frame", SENT, '427["join","tea"]', 'EVENT "join" (wants ack 7)', [
        MESSAGE,
        type(2, "EVENT"),
        IMPLIED,
        "7 | ack id | 7",
        '"join" | event name',
        '"tea" | argument 1',
    ]);
    check("frame", RECEIVED, '43/custom,12["ok"]', "ACK 12 in /custom", [
        MESSAGE,
        type(3, "ACK"),
        "/custom, | namespace | /custom",
        "12 | ack id | 12",
        '"ok" | answer 1',
    ]);
    check("frame", RECEIVED, "437[]", "ACK 7", [MESSAGE, type(3, "ACK"), IMPLIED, "7 | ack id | 7"]);
});

test("bytes: placeholders, and attachments by WebSocket and by polling", () => {
    const text = '452-/custom,1["message",{"_placeholder":true,"num":0},{"more":{"_placeholder":true,"num":1}}]';
    const told = check("frame", SENT, text, 'BINARY_EVENT "message" (wants ack 1) in /custom', [
        MESSAGE,
        type(5, "BINARY_EVENT"),
        "2- | attachments | 2",
        "/custom, | namespace | /custom",
        "1 | ack id | 1",
        '"message" | event name',
        '{"_placeholder":true,"num":0} | argument 1',
        '{"more":{"_placeholder":true,"num":1}} | argument 2',
    ]);
    assert.match(says(told, "argument 1"), /attachment 0 belongs here/);
    assert.match(says(told, "argument 2"), /placeholder in it/);
    check("frame", RECEIVED, '461-7[{"_placeholder":true,"num":0}]', "BINARY_ACK 7", [
        MESSAGE,
        type(6, "BINARY_ACK"),
        "1- | attachments | 1",
        IMPLIED,
        "7 | ack id | 7",
        '{"_placeholder":true,"num":0} | answer 1',
    ]);
    check("frame", SENT, new Uint8Array([1, 2, 255]), "attachment, 3 bytes", ["01 02 ff | attachment"]);
    const base64 = check("payload", SENT, "bAQL/", "attachment, 3 bytes", [
        "b | Engine.IO packet type | message of bytes",
        "AQL/ | attachment, base64",
    ]);
    assert.match(says(base64, "attachment, base64"), /01 02 ff/);
    assert.equal(explain({ kind: "payload", data: "bAQ==", sent: SENT }).summary, "attachment, 1 byte");
});

test("packets that share one HTTP body", () => {
    check("payload", RECEIVED, '40{"sid":"x"}\x1e42["auth",{}]\x1e2', '3 packets: CONNECT · EVENT "auth" · ping', [
        MESSAGE,
        type(0, "CONNECT"),
        IMPLIED,
        '"sid":"x" | sid',
        "\\x1e | record separator, 0x1e",
        MESSAGE,
        type(2, "EVENT"),
        IMPLIED,
        '"auth" | event name',
        "{} | argument 1",
        "\\x1e | record separator, 0x1e",
        "2 | Engine.IO packet type | ping",
    ]);
});

test("requests, answers and the end of a WebSocket", () => {
    check("request", SENT, "GET /socket.io/?EIO=4&transport=polling", "GET: asks for a session", [
        "GET  | HTTP method",
        "/socket.io/ | path",
        "EIO=4 | EIO",
        "transport=polling | transport",
    ]);
    check("request", SENT, "POST /socket.io/?EIO=4&transport=polling&sid=abc", "POST: brings packets", [
        "POST  | HTTP method",
        "/socket.io/ | path",
        "EIO=4 | EIO",
        "transport=polling | transport",
        "sid=abc | sid",
    ]);
    assert.equal(
        explain({ kind: "request", data: "GET /socket.io/?EIO=4&transport=polling&sid=a", sent: SENT }).summary,
        "GET: waits for packets",
    );
    check("answer", RECEIVED, "200 ok", "HTTP 200", ["200  | HTTP status", "ok | body"]);
    check("answer", RECEIVED, '400 {"code":1}', "HTTP 400", ["400  | HTTP status", '{"code":1} | body']);
    check("answer", RECEIVED, "101 Switching Protocols", "HTTP 101", ["101  | HTTP status", "Switching Protocols | body"]);
    assert.match(says(check("close", RECEIVED, "1006", "WebSocket closed", ["1006 | close code"]), "close code"), /cut/);
});

test("what is no packet is called so", () => {
    const bad = (data, name) => {
        for (const kind of ["frame", "payload"]) {
            const { parts } = explain({ kind, data, sent: RECEIVED });
            assert.deepEqual(parts.filter((part) => part.kind === "bad").map((part) => part.name), [name], data);
            assert.equal(parts.map(({ text }) => text).join(""), data);
        }
    };
    bad("", "no packet");
    bad("abc", "no packet");
    bad("4abc", "no packet");
    bad("4", "no packet");
    bad("42", "data");
    bad("42[", "no JSON");
    bad('42["a",', "no JSON");
    bad('42["a"', "no JSON");
    bad('42["a"}', "no JSON");
    bad("42abc", "no JSON");
    bad('42["a"]x', "more");
    bad("6more", "more");
    bad('43["a"]', "ack id");
    bad('45["a"]', "attachments");
    bad("0{", "no JSON");
});

test("no frame makes it fail, and every character is accounted for", () => {
    const alphabet = ["0", "1", "2", "3", "4", "5", "6", "b", "[", "]", "{", "}", '"', "\\", ",", ":", "-", "/", " ", "\x1e", "é", "€", "😀", "a"];
    // The same numbers every time.
    let state = 1;
    const next = (below) => (state = (state * 48271) % 0x7fffffff) % below;
    for (let round = 0; round < 20_000; round++) {
        const data = Array.from({ length: next(14) }, () => alphabet[next(alphabet.length)]).join("");
        for (const kind of ["frame", "payload", "request", "answer", "close"]) {
            const told = explain({ kind, data, sent: round % 2 === 0 });
            assert.equal(told.parts.map(({ text }) => text).join(""), data.replaceAll("\x1e", "\\x1e"), `${kind}: ${data}`);
            assert.equal(told.bytes, Buffer.byteLength(data));
        }
    }
});

test("a megabyte is cut, and its length is told", () => {
    const data = `42["all",{"text":"${"x".repeat(1_000_000)}"}]`;
    const told = explain({ kind: "frame", data, sent: SENT });
    assert.equal(told.bytes, data.length);
    const cut = told.parts.at(-1);
    assert.equal(cut.name, "cut here");
    assert.match(cut.says, /^1,000,021 bytes in all; the first 2,000 characters/);
    assert.equal(told.parts.map(({ text }) => text).join(""), `${data.slice(0, SHOWN)}…`);
    assert.ok(!told.parts.some(({ kind }) => kind === "bad"), "what is cut is not broken");
    assert.equal(told.summary, 'EVENT "all"');

    const payload = Array.from({ length: 1000 }, () => '42["all",1]').join("\x1e");
    assert.match(explain({ kind: "payload", data: payload, sent: SENT }).summary, /^1,000 packets: EVENT "all"/);

    const bytes = explain({ kind: "frame", data: new Uint8Array(1_000_000), sent: SENT });
    assert.equal(bytes.parts[0].text.length, 3 * SHOWN_BYTES - 1);
    assert.match(bytes.parts[1].says, /^1,000,000 bytes in all/);
    // Only the last packet is cut: one that breaks off before it is broken.
    const broken = explain({ kind: "payload", data: `42["a"\x1e${data}`, sent: SENT });
    assert.deepEqual(broken.parts.filter(({ kind }) => kind === "bad").map(({ name }) => name), ["no JSON"]);
    // No character is cut in two.
    const smiles = explain({ kind: "frame", data: `42["${"😀".repeat(SHOWN)}"]`, sent: SENT });
    assert.ok(smiles.parts.every(({ text }) => text.isWellFormed?.() ?? true));
});

test("numbers have their digits in groups", () => {
    assert.deepEqual([0, 999, 1000, 1234567].map(count), ["0", "999", "1,000", "1,234,567"]);
});
