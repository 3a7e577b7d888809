// What a frame on the wire means, part by part. A pure function from what was sent or received to words: it knows nothing
// of the page, and it never fails: what is no packet is called so.
//
//   explain({kind: "frame", data: '42["message","hi"]', sent: true})
//
//   4           Engine.IO packet type   message
//   2           Socket.IO packet type   EVENT
//   (nothing)   namespace               /
//   "message"   event name
//   "hi"        argument 1

/** So many characters of a frame are shown and explained, and so many of its bytes. */
export const SHOWN = 2000;
export const SHOWN_BYTES = 256;

const ENGINE_TYPES = {
    0: ["open", "The server opens the session. This is the handshake."],
    1: ["close", "This side ends the session."],
    2: ["ping", "The heartbeat: are you still there? The server asks, and the client must answer with a pong (3) in time."],
    3: ["pong", "The answer to a ping: still here."],
    4: ["message", "Carries what the layer above has to say: a packet of Socket.IO."],
    5: ["upgrade", "The client changes over: from now on everything goes through this WebSocket and nothing by polling."],
    6: ["noop", "Says nothing. It is only an answer for the GET that waits, so that polling can stop for the upgrade."],
};

const SOCKET_TYPES = {
    0: "CONNECT",
    1: "DISCONNECT",
    2: "EVENT",
    3: "ACK",
    4: "CONNECT_ERROR",
    5: "BINARY_EVENT",
    6: "BINARY_ACK",
};

const SOCKET_SAYS = {
    0: (sent) =>
        sent
            ? "The client asks to join a namespace. Even the first one, /, is joined like this."
            : "The server has let the client into the namespace.",
    1: (sent) => `The ${sent ? "client leaves" : "server throws the client out of"} the namespace. The session stays open.`,
    2: () => "An event: a name and any number of arguments.",
    3: (sent) => `The answer to an event that the ${sent ? "server" : "client"} wanted acknowledged.`,
    4: () => "The server does not let the client into the namespace.",
    5: () => "An event with bytes in it. The bytes follow as packets of their own.",
    6: () => "An ack with bytes in it. The bytes follow as packets of their own.",
};

const seconds = (value) => (/^\d+$/.test(value) ? ` (${Number(value) / 1000} s)` : "");

const HANDSHAKE_KEYS = {
    sid: () => "Session id. Every later request names it. Whoever knows it can read and write this session: it is a secret.",
    upgrades: (value) =>
        value === "[]"
            ? "Better transports to change over to: none, this is already the best."
            : "Better transports that the client may change over to.",
    pingInterval: (value) => `The server sends a ping every so many milliseconds${seconds(value)}.`,
    pingTimeout: (value) =>
        `The pong must be there after so many milliseconds${seconds(value)}, or the server ends the session. A client that ` +
        "gets no ping for pingInterval + pingTimeout gives up too.",
    maxPayload: () => "The most bytes that one request of the client may bring.",
};

const QUERY_KEYS = {
    EIO: () => "The version of the Engine.IO protocol.",
    transport: (value) =>
        value === "websocket"
            ? "How packets travel: this request asks to turn its TCP connection into a WebSocket."
            : "How packets travel: one by one HTTP request after the other.",
    sid: () => "The session that this request belongs to. The handshake gave it out.",
};

const CLOSE_CODES = {
    1000: "Done: an ordinary end.",
    1001: "The other side is going away: a page that is left, a server that stops.",
    1002: "A frame that breaks the WebSocket protocol.",
    1005: "The close frame had no code in it.",
    1006: "No close frame at all: the connection was cut.",
    1007: "A text that is not UTF-8.",
    1009: "A message that is too large.",
    1011: "The server has failed.",
};

/**
 * Explains one frame.
 *
 * `kind` says what it is: a `request` or an `answer` of HTTP, the `payload` in an HTTP body, a `frame` of a WebSocket or
 * its `close`. `data` is text, or a Uint8Array for a binary frame; `sent` says whether the browser sent it.
 *
 * The result has a `summary` of a few words, the `sort` (`http`, `heartbeat` or `packet`), the length in `bytes`, and the
 * `parts`. Each part has its `text`, a `kind` for its colour, and, except brackets and commas, a `name` and what it `says`.
 * The texts of all parts, one after the other, are what was on the wire, up to the limits above; bytes become hex digits,
 * and a control character is written as `\x1e`.
 */
export function explain({ kind, data, sent }) {
    if (typeof data !== "string") {
        return { summary: attachmentSummary(data.length), sort: "packet", bytes: data.length, parts: attachment(data) };
    }
    const bytes = utf8Length(data);
    const text = data.length > SHOWN ? data.slice(0, lastWhole(data, SHOWN)) : data;
    const isCut = text.length < data.length;
    const result = explainText(kind, text, sent, isCut);
    if (kind === "payload") result.summary = payloadSummary(result.summary, data);
    if (isCut) {
        const says = `${count(bytes)} bytes in all; the first ${count(text.length)} characters are shown.`;
        result.parts.push({ kind: "cut", text: "…", name: "cut here", says });
    }
    for (const part of result.parts) part.text = visible(part.text);
    return { ...result, bytes };
}

function explainText(kind, text, sent, isCut) {
    switch (kind) {
        case "request":
            return { summary: requestSummary(text), sort: "http", parts: request(text) };
        case "answer":
            return { summary: `HTTP ${text.split(" ", 1)[0]}`, sort: "http", parts: answer(text) };
        case "close":
            return { summary: "WebSocket closed", sort: "http", parts: close(text) };
        case "payload":
            return payload(text, sent, isCut);
        default:
            return packet(text, sent, isCut);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// HTTP and WebSocket

function requestSummary(text) {
    if (text.startsWith("POST")) return "POST: brings packets";
    if (text.includes("transport=websocket")) return "GET: opens a WebSocket";
    return text.includes("sid=") ? "GET: waits for packets" : "GET: asks for a session";
}

function request(text) {
    const [, method, path, query = ""] = /^([^ ?]* ?)([^?]*)(.*)$/s.exec(text);
    const parts = [
        {
            kind: "http",
            text: method,
            name: "HTTP method",
            says: method.startsWith("POST")
                ? "Brings packets to the server. They are in the body."
                : "Fetches from the server. With a session by polling, the server answers only when it has something to say.",
        },
        { kind: "data", text: path, name: "path", says: "Where the server has its Engine.IO." },
    ];
    for (const pair of query.split(/(?=[?&])/)) {
        if (pair === "") continue;
        const [key, value] = pair.slice(1).split("=");
        const says = QUERY_KEYS[key]?.(value) ?? "A parameter that the protocol does not know.";
        parts.push({ kind: "mark", text: pair[0] }, { kind: "key", text: pair.slice(1), name: key, says });
    }
    return parts;
}

function answer(text) {
    const [, status, body] = /^(\d* ?)(.*)$/s.exec(text);
    const isFine = /^[12]/.test(status);
    const parts = [
        {
            kind: isFine ? "http" : "bad",
            text: status,
            name: "HTTP status",
            says: status.startsWith("101")
                ? "From here on this connection speaks WebSocket: frames, both ways, at any time."
                : isFine
                  ? "The server has taken the request."
                  : "The server refuses the request.",
        },
    ];
    if (body) {
        const says = body === "ok" ? "What a POST that was taken is always answered with." : "The words that go with it.";
        parts.push({ kind: "data", text: body, name: "body", says });
    }
    return parts;
}

function close(text) {
    const says = `The WebSocket is closed. ${CLOSE_CODES[text] ?? "A code of its own."}`;
    return [{ kind: "http", text, name: "close code", says }];
}

/** An HTTP body holds one packet or more. */
function payload(text, sent, isCut) {
    const packets = text.split(SEPARATOR);
    const explained = packets.map((one, at) => packet(one, sent, isCut && at === packets.length - 1));
    const separator = {
        kind: "separator",
        text: SEPARATOR,
        name: "record separator, 0x1e",
        says: "Stands between two packets that share one HTTP body.",
    };
    return {
        summary: explained.map(({ summary }) => summary).join(" · "),
        sort: explained.every(({ sort }) => sort === "heartbeat") ? "heartbeat" : "packet",
        parts: explained.flatMap(({ parts }, at) => (at === 0 ? parts : [{ ...separator }, ...parts])),
    };
}

const SEPARATOR = "\x1e";

function payloadSummary(summary, data) {
    let packets = 1;
    for (let at = data.indexOf(SEPARATOR); at >= 0; at = data.indexOf(SEPARATOR, at + 1)) packets += 1;
    return packets === 1 ? summary : `${count(packets)} packets: ${summary}`;
}

// ---------------------------------------------------------------------------------------------------------------------
// Engine.IO

function packet(text, sent, isCut) {
    const data = text.slice(1);
    if (text[0] === "b") return base64(data, isCut);
    const known = ENGINE_TYPES[text[0]];
    if (!known) {
        const says = text === "" ? "Not even a packet type." : "No packet of Engine.IO begins like this. It ends the session.";
        return { summary: "no packet", sort: "packet", parts: [{ kind: "bad", text, name: "no packet", says }] };
    }
    const [name, says] = known;
    const type = { kind: "engine", text: text[0], name: "Engine.IO packet type", value: name, says };
    if (name === "message") {
        const above = message(data, sent, isCut);
        return { summary: above.summary, sort: "packet", parts: [type, ...above.parts] };
    }
    if (name === "open") {
        const keys = json(data, isCut, (key, value) => HANDSHAKE_KEYS[key]?.(value) ?? "A key that the protocol does not know.");
        return { summary: "open: the handshake", sort: "packet", parts: [type, ...keys] };
    }
    if (data === "probe" && (name === "ping" || name === "pong")) {
        const probe = {
            kind: "data",
            text: data,
            name: "probe",
            says:
                name === "ping"
                    ? "No heartbeat but a test, sent by the client: does a packet get through this new WebSocket?"
                    : "It does get through: the same word comes back.",
        };
        type.says = "A ping and a pong are used once more, for the test before the upgrade.";
        return { summary: `${name}: probe`, sort: "packet", parts: [type, probe] };
    }
    const parts = [type];
    if (data) parts.push({ kind: "bad", text: data, name: "more", says: "Nothing is expected here." });
    return { summary: name, sort: name === "ping" || name === "pong" ? "heartbeat" : "packet", parts };
}

function base64(data, isCut) {
    const length = Math.floor((data.replace(/=+$/, "").length * 3) / 4);
    const size = isCut ? "" : `: ${count(length)} ${length === 1 ? "byte" : "bytes"}`;
    const parts = [
        {
            kind: "engine",
            text: "b",
            name: "Engine.IO packet type",
            value: "message of bytes",
            says: "A binary message. An HTTP body here is text, so the bytes are written in base64.",
        },
        {
            kind: "bytes",
            text: data,
            name: "attachment, base64",
            says: `The next attachment of the binary packet before it${size}.${isCut ? "" : hexOf(data)}`,
        },
    ];
    return { summary: isCut ? "attachment" : attachmentSummary(length), sort: "packet", parts };
}

/** The bytes themselves, if they are few. */
function hexOf(data) {
    try {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        return bytes.length > 0 && bytes.length <= 32 ? ` In hex digits: ${hex(bytes)}.` : "";
    } catch {
        return " But this is not base64.";
    }
}

function attachment(bytes) {
    const says =
        `The next attachment of the binary packet before it: ${count(bytes.length)} ${bytes.length === 1 ? "byte" : "bytes"}, ` +
        "as they are, in a binary frame. A WebSocket needs no base64.";
    const parts = [{ kind: "bytes", text: hex(bytes.subarray(0, SHOWN_BYTES)), name: "attachment", says }];
    if (bytes.length > SHOWN_BYTES) {
        const says = `${count(bytes.length)} bytes in all; the first ${SHOWN_BYTES} are shown.`;
        parts.push({ kind: "cut", text: "…", name: "cut here", says });
    }
    return parts;
}

function attachmentSummary(length) {
    return `attachment, ${count(length)} ${length === 1 ? "byte" : "bytes"}`;
}

// ---------------------------------------------------------------------------------------------------------------------
// Socket.IO

/** Type, attachments, namespace, id of the ack, data: the order in which they are written. */
const GRAMMAR = /^([0-6])((?<=[56])\d+-)?(\/[^,]*(?:,|$))?(\d+)?(.*)$/s;

function message(text, sent, isCut) {
    const found = GRAMMAR.exec(text);
    if (!found) {
        const says = "No packet of Socket.IO begins like this. It ends the session.";
        return { summary: "no packet", parts: [{ kind: "bad", text, name: "no packet", says }] };
    }
    const [, type, attachments, namespace, id, data] = found;
    const name = SOCKET_TYPES[type];
    const isEvent = name.endsWith("EVENT");
    const parts = [{ kind: "socket", text: type, name: "Socket.IO packet type", value: name, says: SOCKET_SAYS[type](sent) }];
    if (attachments) {
        const says = `So many packets of bytes follow, one for each placeholder. The - ends the number.`;
        parts.push({ kind: "count", text: attachments, name: "attachments", value: attachments.slice(0, -1), says });
    } else if (type >= "5") {
        parts.push({ kind: "bad", text: "", name: "attachments", says: "Their number and a - are missing here." });
    }
    const namespaceName = namespace ? namespace.replace(/,$/, "") : "/";
    parts.push({
        kind: "namespace",
        text: namespace ?? "",
        name: "namespace",
        value: namespaceName,
        says: namespace
            ? "One session can carry several namespaces, each with its own handlers. The comma ends the name."
            : "Nothing is written here: / is implied.",
    });
    if (id !== undefined) {
        const says = isEvent
            ? `The ${sent ? "client" : "server"} wants an ack. The answer will bear this number.`
            : "The number of the event that this answers.";
        parts.push({ kind: "id", text: id, name: "ack id", value: id, says });
    }
    if (data) parts.push(...json(data, isCut, saysOf(name, sent)));
    if (name.endsWith("ACK") && id === undefined) {
        parts.push({ kind: "bad", text: "", name: "ack id", says: "Missing: nobody can tell which event this answers." });
    }
    if (!data && !isCut && (isEvent || name.endsWith("ACK"))) {
        parts.push({ kind: "bad", text: "", name: "data", says: "Missing: an array must stand here." });
    }
    const event = isEvent && parts.find((part) => part.name === "event name")?.text;
    const words = [name];
    if (event) words.push(short(event));
    if (id !== undefined) words.push(isEvent ? `(wants ack ${id})` : id);
    if (namespace) words.push(`in ${short(namespaceName)}`);
    return { summary: words.join(" "), parts };
}

/** What the values of a packet's data are, by key or by place. */
function saysOf(name, sent) {
    switch (name) {
        case "EVENT":
        case "BINARY_EVENT":
            return (place) =>
                place === 0 ? ["event name", "Says which handler is called. The rest are its arguments."] : [`argument ${place}`];
        case "ACK":
        case "BINARY_ACK":
            return (place) => [`answer ${place + 1}`];
        case "CONNECT":
            if (sent) return (key) => [`auth: ${key}`, "What the client says about itself. A server checks it before it lets anybody in."];
            return (key) =>
                key === "sid"
                    ? ["sid", "The socket's id in this namespace. It is not the session id: others may know it."]
                    : [key, "A key that the protocol does not know."];
        case "CONNECT_ERROR":
            return (key) =>
                key === "message" ? ["message", "Why not."] : [key, "What the server adds to its reason."];
        default:
            return () => ["data", "This type of packet has no data."];
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// JSON

/**
 * The parts of a JSON text: its top level, value by value. `tell(place, value)` gives what a value says, or its name and
 * that; a place is the key in an object and the index in an array.
 */
function json(text, isCut, tell) {
    const { pieces, isWhole, rest } = split(text);
    const parts = pieces.map((piece) => {
        if (piece.place === undefined) return { kind: "mark", text: piece.text };
        const told = tell(piece.place, piece.value);
        const [name, says = ""] = Array.isArray(told) ? told : [`${piece.place}`, told];
        const what = describe(piece.value, isCut);
        // A string of a well-known key needs no word about being one.
        const words = [says, typeof piece.place === "number" && name !== "event name" ? what : ""].filter(Boolean);
        const kind = /"_placeholder"\s*:\s*true/.test(piece.value) ? "placeholder" : name === "event name" ? "event" : "data";
        return { kind, text: piece.text, name, says: words.join(" ") };
    });
    if (rest) parts.push({ kind: "bad", text: rest, name: "more", says: "Nothing is expected after the data." });
    if (!isCut && !rest && !(isWhole && isJson(text))) {
        parts.push({ kind: "bad", text: "", name: "no JSON", says: "The data cannot be read. It ends the session." });
    }
    return parts;
}

/**
 * Takes an array or an object apart at its top level, without reading what is deeper. `JSON.parse` would not say where a
 * value stands in the text, and not read a text that is cut.
 */
function split(text) {
    const ends = { "[": "]", "{": "}" }[text[0]];
    if (!ends) return { pieces: [{ text, place: 0, value: text }], isWhole: true, rest: "" };
    const pieces = [{ text: text[0] }];
    let place = 0;
    let start = 1;
    const push = (end) => {
        const [, before, value] = /^(\s*)(.*)$/s.exec(text.slice(start, end));
        if (before) pieces.push({ text: before });
        if (value && ends === "]") pieces.push({ text: value, place: place++, value });
        if (value && ends === "}") {
            const [, key = value, member = ""] = /^"((?:[^"\\]|\\.)*)"\s*:\s*(.*)$/s.exec(value) ?? [];
            pieces.push({ text: value, place: key, value: member });
        }
    };
    let depth = 0;
    for (let at = 1; at < text.length; at++) {
        const letter = text[at];
        if (letter === '"') {
            at = endOfString(text, at);
        } else if (depth === 0 && (letter === "," || letter === ends)) {
            push(at);
            pieces.push({ text: letter });
            start = at + 1;
            if (letter === ends) return { pieces, isWhole: true, rest: text.slice(start) };
        } else if (letter === "[" || letter === "{") {
            depth += 1;
        } else if (letter === "]" || letter === "}") {
            depth -= 1;
        }
    }
    push(text.length);
    return { pieces, isWhole: false, rest: "" };
}

/** Where the string that begins here ends: its last quotation mark, or the end of the text. */
function endOfString(text, start) {
    for (let at = start + 1; at < text.length; at++) {
        if (text[at] === "\\") at += 1;
        else if (text[at] === '"') return at;
    }
    return text.length;
}

function describe(value, isCut) {
    if (/^\{\s*"_placeholder"\s*:\s*true/.test(value)) {
        const number = /"num"\s*:\s*(\d+)/.exec(value)?.[1] ?? "?";
        return `A placeholder: attachment ${number} belongs here. It follows as a packet of its own.`;
    }
    const inside = /"_placeholder"\s*:\s*true/.test(value) ? " With a placeholder in it: bytes that follow." : "";
    let read;
    try {
        read = JSON.parse(value);
    } catch {
        return isCut ? "A value that goes on." : "";
    }
    if (read === null) return "null.";
    if (Array.isArray(read)) return `An array with ${count(read.length)} in it.${inside}`;
    if (typeof read !== "object") return `A ${typeof read}.`;
    const keys = Object.keys(read);
    const more = keys.length > 6 ? ", …" : "";
    return `An object${keys.length ? ` with the keys ${keys.slice(0, 6).map(short).join(", ")}${more}` : " without keys"}.${inside}`;
}

function isJson(text) {
    try {
        JSON.parse(text);
        return true;
    } catch {
        return false;
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Text

/** A control character would be invisible, or worse. (Unicode has pictures, but few fonts have them.) */
function visible(text) {
    return text.replace(/[\x00-\x1f]/g, (letter) => `\\x${hex([letter.charCodeAt(0)])}`);
}

function hex(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** 1234567 is 1,234,567, whatever the browser's language. */
export function count(number) {
    return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function short(text) {
    return text.length > 40 ? `${text.slice(0, lastWhole(text, 39))}…` : text;
}

/** The last place up to `end` that does not split a character in two. */
function lastWhole(text, end) {
    const code = text.charCodeAt(end - 1);
    return code >= 0xd800 && code < 0xdc00 ? end - 1 : end;
}

/** Bytes that a text takes on the wire, counted without writing them. */
function utf8Length(text) {
    let length = text.length;
    for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at);
        if (code > 0x7f) length += code > 0x7ff && !(code >= 0xd800 && code < 0xe000) ? 2 : 1;
    }
    return length;
}
