// Socket.IO v5 on Engine.IO v4: the two protocols below the chat, as a browser speaks them.
//
//   the page      emit("room", "tea", {text: "hi"})
//   Socket        2["room","tea",{"text":"hi"}]       Socket.IO: namespaces, events, acks, attachments
//   Engine        42["room","tea",{"text":"hi"}]      Engine.IO: a session, its heartbeat, its transport
//   transport     POST /socket.io/?sid=…, or a WebSocket frame
//
// In this file a packet of Engine.IO is a string with its type as first character, or bytes (a Uint8Array): bytes are
// always a message. Names are those of the specification and of the official client, which can do more than this.

/** Packet types of Engine.IO. */
const OPEN = "0";
const CLOSE = "1";
const PING = "2";
const PONG = "3";
const MESSAGE = "4";
const UPGRADE = "5";
const NOOP = "6";

/** Packet types of Socket.IO. */
const CONNECT = "0";
const DISCONNECT = "1";
const EVENT = "2";
const ACK = "3";
const CONNECT_ERROR = "4";
const BINARY_EVENT = "5";
const BINARY_ACK = "6";

/** So many packets share an HTTP body at the most: more of them python-engineio takes for an attack. */
const PACKETS_IN_A_BODY = 16;

/** Stands between two packets in one HTTP body. JSON never contains it as it is. */
const SEPARATOR = "\x1e";

// ---------------------------------------------------------------------------------------------------------------------
// Transports: two ways to bring packets to the server. Each tells its owner `onPacket(packet)` and `onGone(reason)`,
// and `onFrame(kind, sent, data)` for all that is on the wire.

/** Long polling. One GET always waits at the server for packets; a POST brings ours. */
class Polling {
    name = "polling";
    #url;
    #owner;
    #stop = new AbortController();
    #paused = false;
    #polling;
    #posting;

    /** `url` is a function: the address gains `sid` after the handshake. */
    constructor(url, owner) {
        this.#url = url;
        this.#owner = owner;
        this.#polling = this.#poll();
    }

    get isPaused() {
        return this.#paused;
    }

    /** Two POSTs at once could overtake each other, so one is sent at a time. */
    get isWritable() {
        return !this.#posting && !this.#paused;
    }

    send(packets) {
        const payload = packets.map(toText).join(SEPARATOR);
        this.#posting = this.#request("POST", payload).then(() => {
            this.#posting = undefined;
            if (!this.#paused) this.#owner.onWritable();
        });
    }

    /** Ends in good order before an upgrade: the waiting GET is answered and no POST is on its way. */
    async pause() {
        this.#paused = true;
        await this.#polling;
        await this.#posting;
    }

    close() {
        this.#stop.abort();
    }

    async #poll() {
        // The handshake is the answer to the first GET, which has no `sid` yet.
        while (!this.#paused && !this.#stop.signal.aborted) {
            const payload = await this.#request("GET");
            if (payload === undefined) return undefined;
            let packets;
            try {
                packets = payload.split(SEPARATOR).map(fromText);
            } catch {
                return this.#owner.onGone("parse error");
            }
            for (const packet of packets) this.#owner.onPacket(packet);
        }
        return undefined;
    }

    /** The body of the answer, or nothing if there was none. */
    async #request(method, body) {
        const url = this.#url();
        const { signal } = this.#stop;
        this.#owner.onFrame("request", true, `${method} ${url.pathname}${url.search}`);
        if (body !== undefined) this.#owner.onFrame("payload", true, body);
        let answer;
        let text;
        try {
            answer = await fetch(url, { method, body, signal, cache: "no-store" });
            text = await answer.text();
        } catch {
            if (!signal.aborted) this.#owner.onGone("transport error");
            return undefined;
        }
        if (signal.aborted) return undefined;
        const isPayload = answer.ok && method === "GET";
        this.#owner.onFrame(isPayload ? "payload" : "answer", false, isPayload ? text : `${answer.status} ${text}`);
        if (!answer.ok) {
            this.#owner.onGone("transport error");
            return undefined;
        }
        return text;
    }
}

/** One WebSocket. Each packet is a frame of its own; bytes need no base64. */
class WebSocketTransport {
    name = "websocket";
    #owner;
    #socket;

    constructor(url, owner) {
        this.#owner = owner;
        url.protocol = url.protocol.replace("http", "ws");
        owner.onFrame("request", true, `GET ${url.pathname}${url.search}`);
        this.#socket = new WebSocket(url);
        this.#socket.binaryType = "arraybuffer";
        this.#socket.onopen = () => {
            owner.onFrame("answer", false, "101 Switching Protocols");
            owner.onWritable();
        };
        this.#socket.onmessage = ({ data }) => {
            const packet = typeof data === "string" ? data : new Uint8Array(data);
            owner.onFrame("frame", false, packet);
            owner.onPacket(packet);
        };
        this.#socket.onclose = ({ code }) => {
            owner.onFrame("close", false, `${code}`);
            owner.onGone("transport close");
        };
    }

    get isWritable() {
        return this.#socket.readyState === WebSocket.OPEN;
    }

    send(packets) {
        for (const packet of packets) {
            this.#owner.onFrame("frame", true, packet);
            this.#socket.send(packet);
        }
    }

    close() {
        this.#socket.close();
    }
}

/** HTTP bodies are text here: bytes travel as `b` and base64, a third longer. */
function toText(packet) {
    if (typeof packet === "string") return packet;
    let binary = "";
    for (const byte of packet) binary += String.fromCharCode(byte);
    return `b${btoa(binary)}`;
}

function fromText(text) {
    if (text[0] !== "b") return text;
    return Uint8Array.from(atob(text.slice(1)), (letter) => letter.charCodeAt(0));
}

// ---------------------------------------------------------------------------------------------------------------------

/**
 * Engine.IO: one session with the server, whatever carries it. It tells its owner `onOpen()`, `onMessage(data)`,
 * `onTransport()`, `onClose(reason)` and `onFrame(frame)`.
 */
export class Engine {
    /** What the server said in its handshake: sid, upgrades, pingInterval, pingTimeout, maxPayload. */
    handshake;
    #address;
    #transports;
    #owner;
    #transport;
    #probe;
    #queue = [];
    #deadline;
    #isClosed = false;

    /** `transports` names what may be used, the first one first: `["polling", "websocket"]` upgrades. */
    constructor(address, transports, owner) {
        this.#address = address;
        this.#transports = transports;
        this.#owner = owner;
        this.#transport = this.#connect(transports[0], {
            onPacket: (packet) => this.#onPacket(packet),
            onWritable: () => this.#flush(),
            onGone: (reason) => this.#end(reason),
        });
    }

    get transport() {
        return this.#transport?.name;
    }

    /** Queues packets: they leave together when the transport is free. */
    send(...packets) {
        if (this.#isClosed) return;
        this.#queue.push(...packets);
        // In a moment: what is sent in the same breath shares one POST.
        queueMicrotask(() => this.#flush());
    }

    /** Ends the session and says so to the server. */
    close() {
        if (this.#isClosed) return;
        if (this.handshake && this.transport === "polling") {
            // Nobody waits for the answer, and a page that is being left may still send this one.
            const url = this.#url("polling");
            this.#tell("polling", "request", true, `POST ${url.pathname}${url.search}`);
            const payload = [...this.#queue, CLOSE].map(toText).join(SEPARATOR);
            this.#tell("polling", "payload", true, payload);
            fetch(url, { method: "POST", body: payload, keepalive: true }).catch(() => undefined);
        } else if (this.handshake && this.#transport.isWritable) {
            // For a WebSocket its own close frame is enough.
            this.#transport.send(this.#queue);
        }
        this.#end("io client disconnect");
    }

    /** Drops the connection without a word, as a cable that is pulled. By polling the server learns it from the heartbeat. */
    drop(reason = "transport close") {
        this.#end(reason);
    }

    #url(transport) {
        const url = new URL(this.#address);
        url.searchParams.set("EIO", "4");
        url.searchParams.set("transport", transport);
        if (this.handshake) url.searchParams.set("sid", this.handshake.sid);
        return url;
    }

    #connect(name, owner) {
        const told = { ...owner, onFrame: (kind, sent, data) => this.#tell(name, kind, sent, data) };
        return name === "polling"
            ? new Polling(() => this.#url(name), told)
            : new WebSocketTransport(this.#url(name), told);
    }

    #tell(transport, kind, sent, data) {
        this.#owner.onFrame({ time: Date.now(), transport, kind, sent, data });
    }

    #onPacket(packet) {
        if (this.#isClosed) return;
        if (typeof packet !== "string") return this.#owner.onMessage(packet);
        const data = packet.slice(1);
        switch (packet[0]) {
            case OPEN:
                return this.#onHandshake(data);
            case PING:
                // The server asks, we answer: the other way round than in version 3, since a browser slows the timers
                // of a page that nobody looks at.
                this.#expectPing();
                // Ahead of what waits: a client with much to say must not be taken for a dead one.
                this.#queue.unshift(PONG + data);
                return this.send();
            case MESSAGE:
                return this.#owner.onMessage(data);
            case NOOP:
                return undefined;
            case CLOSE:
                return this.#end("transport close");
            default:
                return this.#end("parse error");
        }
    }

    #onHandshake(json) {
        try {
            this.handshake = JSON.parse(json);
        } catch {
            return this.#end("parse error");
        }
        this.#expectPing();
        this.#owner.onOpen();
        if (this.transport === "polling" && this.#transports.includes("websocket")) {
            if (this.handshake.upgrades.includes("websocket")) this.#upgrade();
        }
        return undefined;
    }

    /** A server from which no ping comes in time is gone, though TCP may not know it yet. */
    #expectPing() {
        clearTimeout(this.#deadline);
        const { pingInterval, pingTimeout } = this.handshake;
        this.#deadline = setTimeout(() => this.#end("ping timeout"), pingInterval + pingTimeout);
    }

    /**
     * From polling to WebSocket, and no packet is lost or overtaken:
     *
     *   client                         server
     *   2probe  by WebSocket    ──▶
     *                           ◀──    3probe  by WebSocket      it does get through
     *   (no new GET)            ◀──    6       by polling        the GET that waits is let go
     *   5       by WebSocket    ──▶                              from here on only the WebSocket
     */
    #upgrade() {
        const polling = this.#transport;
        const probe = this.#connect("websocket", {
            onWritable: () => probe.send([`${PING}probe`]),
            onPacket: async (packet) => {
                if (this.#transport === probe) return this.#onPacket(packet);
                if (packet !== `${PONG}probe`) return probe.close();
                await polling.pause();
                if (this.#isClosed) return probe.close();
                probe.send([UPGRADE]);
                this.#transport = probe;
                this.#owner.onTransport();
                return this.#flush();
            },
            // A probe that fails is no harm: polling goes on, unless it has already been paused for it.
            onGone: (reason) => {
                if (this.#transport === probe || polling.isPaused) this.#end(reason);
            },
        });
        this.#probe = probe;
    }

    #flush() {
        if (!this.#queue.length || !this.#transport.isWritable || this.#isClosed) return;
        // A body that is larger than the server takes would end the session: what does not fit waits for the next one.
        let end = this.#queue.length;
        if (this.transport === "polling") {
            let length = size(this.#queue[0]);
            for (end = 1; end < Math.min(this.#queue.length, PACKETS_IN_A_BODY); end++) {
                length += SEPARATOR.length + size(this.#queue[end]);
                if (length > this.handshake.maxPayload) break;
            }
        }
        this.#transport.send(this.#queue.splice(0, end));
    }

    #end(reason) {
        if (this.#isClosed) return;
        this.#isClosed = true;
        clearTimeout(this.#deadline);
        this.#probe?.close();
        this.#transport?.close();
        this.#owner.onClose(reason);
    }
}

/** Bytes that a packet takes in an HTTP body. */
function size(packet) {
    return typeof packet === "string" ? new TextEncoder().encode(packet).length : 1 + 4 * Math.ceil(packet.length / 3);
}

// ---------------------------------------------------------------------------------------------------------------------

/**
 * Writes a packet of Socket.IO: a string, and its attachments after it.
 *
 *     {type: "2", namespace: "/custom", id: 7, data: ["e", Uint8Array]}
 *     51-/custom,7["e",{"_placeholder":true,"num":0}]   and the bytes
 */
export function encode({ type, namespace, id, data }) {
    const attachments = [];
    const json = data === undefined ? "" : JSON.stringify(takeOut(data, attachments));
    // An EVENT and an ACK with bytes in it are types of their own, and say how many attachments follow.
    const binary = { [EVENT]: BINARY_EVENT, [ACK]: BINARY_ACK };
    const head = attachments.length ? `${binary[type]}${attachments.length}-` : type;
    return [`${head}${namespace === "/" ? "" : `${namespace},`}${id ?? ""}${json}`, ...attachments];
}

/** A copy of the data in which each piece of bytes has become a placeholder. */
function takeOut(value, attachments) {
    if (value instanceof ArrayBuffer) value = new Uint8Array(value);
    if (value instanceof Uint8Array) return { _placeholder: true, num: attachments.push(value) - 1 };
    if (Array.isArray(value)) return value.map((item) => takeOut(item, attachments));
    if (typeof value !== "object" || value === null || value.toJSON) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, takeOut(item, attachments)]));
}

/** The data with the attachments back in their places. */
function putBack(value, attachments) {
    if (typeof value !== "object" || value === null) return value;
    if (value._placeholder === true) {
        // The number is the peer's: it may be anything.
        const isThere = Number.isInteger(value.num) && value.num >= 0 && value.num < attachments.length;
        if (!isThere) throw new Error("illegal attachments");
        return attachments[value.num];
    }
    if (Array.isArray(value)) return value.map((item) => putBack(item, attachments));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, putBack(item, attachments)]));
}

/** Type, attachments with `-`, namespace with `,`, id of the ack, data. Only the type must be there. */
const GRAMMAR = /^(?:([0-4])|([56])(\d{1,4})-)(?:(\/[^,]*)(?:,|$))?(\d{1,15})?(.*)$/s;

/** Reads packets of Socket.IO. A packet with attachments is whole when the last of them has come. */
export class Decoder {
    #waiting;
    #attachments = [];

    /** The packet that this message completes, or nothing yet. It throws at what is no packet. */
    decode(message) {
        if (typeof message !== "string") {
            if (!this.#waiting) throw new Error("bytes that no packet has announced");
            this.#attachments.push(message);
        } else {
            if (this.#waiting) throw new Error("text where an attachment was due");
            this.#waiting = parse(message);
        }
        if (this.#attachments.length < this.#waiting.attachments) return undefined;
        const { attachments, data, ...packet } = this.#waiting;
        packet.data = attachments ? putBack(data, this.#attachments) : data;
        this.#waiting = undefined;
        this.#attachments = [];
        return packet;
    }
}

function parse(text) {
    const found = GRAMMAR.exec(text);
    if (!found) throw new Error("no packet of Socket.IO");
    const [, plain, binary, attachments = "0", namespace = "/", id, json] = found;
    const type = plain ?? { [BINARY_EVENT]: EVENT, [BINARY_ACK]: ACK }[binary];
    const data = json ? JSON.parse(json) : undefined;
    const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
    const isFine = {
        [CONNECT]: data === undefined || isObject,
        [DISCONNECT]: data === undefined,
        [EVENT]: Array.isArray(data) && ["string", "number"].includes(typeof data[0]),
        [ACK]: Array.isArray(data) && id !== undefined,
        [CONNECT_ERROR]: isObject || typeof data === "string",
    };
    if (!isFine[type]) throw new Error("data that this type of packet cannot have");
    return { type, namespace, id: id && Number(id), data, attachments: Number(attachments) };
}

// ---------------------------------------------------------------------------------------------------------------------

/** What this client itself tells the listeners of a socket; a server cannot emit events of these names. */
const OWN_EVENTS = ["connect", "connect_error", "disconnect"];

/** One namespace of a connection: `on`, `emit`, acks. */
export class Socket {
    /** Whether the server has answered our CONNECT. */
    isConnected = false;
    /** Whether it should be connected: also again, after the line was cut. */
    isWanted = false;
    /** Its id at the server: not the `sid` of the session, which is a secret. */
    id;
    #connection;
    #listeners = new Map();
    #acks = new Map();
    #nextAck = 0;
    #waiting = [];

    constructor(connection, namespace, auth) {
        this.#connection = connection;
        this.namespace = namespace;
        /** A function whose answer goes with every CONNECT. */
        this.auth = auth;
    }

    /** Calls the listener at each such event. Where the server asks for an ack, the last argument is a function. */
    on(event, listener) {
        this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
        return this;
    }

    connect() {
        this.isWanted = true;
        this.#connection.open();
        if (this.#connection.isOpen && !this.isConnected) this.sendConnect();
    }

    disconnect() {
        if (this.isConnected) this.#send(DISCONNECT);
        this.isWanted = false;
        this.closed("io client disconnect");
    }

    /** Sends an event; before the socket is connected it waits. A function as last argument gets the server's ack. */
    emit(event, ...args) {
        const id = typeof args.at(-1) === "function" ? this.#nextAck++ : undefined;
        if (id !== undefined) this.#acks.set(id, args.pop());
        if (this.isConnected) this.#send(EVENT, [event, ...args], id);
        else this.#waiting.push([event, args, id]);
        return id;
    }

    /** The arguments of the server's ack. A rejection after `ms` without one. */
    emitWithAck(ms, event, ...args) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.#acks.delete(id);
                reject(new Error(`no ack within ${ms} ms`));
            }, ms);
            const id = this.emit(event, ...args, (...answer) => {
                clearTimeout(timer);
                resolve(answer);
            });
        });
    }

    /** For the connection: the session is open, so this namespace may be asked for. */
    sendConnect() {
        this.#send(CONNECT, this.auth?.());
    }

    /** For the connection: a packet of this namespace has come. */
    receive({ type, id, data }) {
        switch (type) {
            case CONNECT:
                this.isConnected = true;
                this.id = data?.sid;
                this.#tell("connect");
                // What was emitted meanwhile goes now, in its order.
                for (const [event, args, ack] of this.#waiting.splice(0)) this.#send(EVENT, [event, ...args], ack);
                break;
            case CONNECT_ERROR:
                this.isWanted = false;
                this.#tell("connect_error", data);
                break;
            case DISCONNECT:
                // The server wanted it so: we do not come back by ourselves.
                this.isWanted = false;
                this.closed("io server disconnect");
                break;
            case EVENT: {
                const [event, ...args] = data;
                if (OWN_EVENTS.includes(event)) break;
                // No answer twice: an ack is one packet.
                let isAnswered = false;
                const ack = (...answer) => {
                    if (!isAnswered && this.isConnected) this.#send(ACK, answer, id);
                    isAnswered = true;
                };
                this.#tell(event, ...args, ...(id === undefined ? [] : [ack]));
                break;
            }
            case ACK:
                this.#acks.get(id)?.(...data);
                this.#acks.delete(id);
                break;
        }
    }

    /** For the connection: the socket is no longer connected. */
    closed(reason) {
        if (!this.isConnected) return;
        this.isConnected = false;
        this.id = undefined;
        this.#tell("disconnect", reason);
    }

    #send(type, data, id) {
        this.#connection.send({ type, namespace: this.namespace, id, data });
    }

    /** A listener that throws ends its own event and nothing else. */
    #tell(event, ...args) {
        for (const listener of this.#listeners.get(event) ?? []) {
            try {
                listener(...args);
            } catch (error) {
                reportError(error);
            }
        }
    }
}

/** The first wait before a reconnect, and the longest one, in ms. */
const RECONNECT_FIRST = 1000;
const RECONNECT_MOST = 5000;

/** One session, shared by all namespaces, that is opened again when it is lost. */
export class Connection {
    #address;
    #transports;
    #onFrame;
    #onState;
    #engine;
    #decoder;
    #sockets = new Map();
    #attempts = 0;
    #timer;

    /**
     * `onFrame({time, transport, sent, kind, data})` is told of every frame on the wire; `kind` is one of
     * request, answer and payload (HTTP), frame and close (WebSocket). `onState({state, transport, reason, wait})` is told
     * how the session is: opening, open, waiting (for a reconnect), closed.
     */
    constructor(path, { transports = ["polling", "websocket"], onFrame = () => {}, onState = () => {} } = {}) {
        this.#address = new URL(path, location.href);
        this.#transports = transports;
        this.#onFrame = onFrame;
        this.#onState = onState;
    }

    get isOpen() {
        return this.#engine?.handshake !== undefined;
    }

    /** The socket of a namespace: not connected until `connect()`. */
    socket(namespace = "/", auth = undefined) {
        if (!this.#sockets.has(namespace)) this.#sockets.set(namespace, new Socket(this, namespace, auth));
        return this.#sockets.get(namespace);
    }

    open() {
        if (this.#engine) return;
        clearTimeout(this.#timer);
        this.#decoder = new Decoder();
        const engine = new Engine(this.#address, this.#transports, {
            onFrame: (frame) => this.#onFrame(frame),
            onOpen: () => {
                this.#attempts = 0;
                this.#say("open");
                for (const socket of this.#wanted()) socket.sendConnect();
            },
            onTransport: () => this.#say("open"),
            onMessage: (message) => this.#onMessage(message),
            onClose: (reason) => this.#onClose(reason),
        });
        this.#engine = engine;
        this.#say("opening");
    }

    /** Leaves all namespaces and ends the session. */
    close() {
        clearTimeout(this.#timer);
        for (const socket of this.#sockets.values()) socket.disconnect();
        if (this.#engine) this.#engine.close();
        else this.#say("closed");
    }

    /** Cuts the line, to see what happens then. */
    drop() {
        this.#engine?.drop();
    }

    /** For a socket: sends its packet. */
    send(packet) {
        const [text, ...attachments] = encode(packet);
        this.#engine?.send(MESSAGE + text, ...attachments);
    }

    #onMessage(message) {
        let packet;
        try {
            packet = this.#decoder.decode(message);
        } catch {
            // Nothing after it can be trusted.
            this.#engine.drop("parse error");
            return;
        }
        if (packet) this.#sockets.get(packet.namespace)?.receive(packet);
    }

    #onClose(reason) {
        this.#engine = undefined;
        for (const socket of this.#sockets.values()) socket.closed(reason);
        if (!this.#wanted().length) return this.#say("closed", reason);
        // Twice as long each time, and not all clients of a server that comes back in the same moment.
        const wait = Math.min(RECONNECT_FIRST * 2 ** this.#attempts++, RECONNECT_MOST) * (0.5 + Math.random());
        this.#timer = setTimeout(() => this.open(), wait);
        return this.#say("waiting", reason, wait);
    }

    #wanted() {
        return [...this.#sockets.values()].filter((socket) => socket.isWanted);
    }

    #say(state, reason, wait) {
        this.#onState({ state, transport: this.#engine?.transport, reason, wait });
    }
}
