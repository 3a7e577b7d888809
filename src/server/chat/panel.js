// The panel beside the chat: every frame on the wire, and what the parts of the one that is looked at mean. The words
// come from wire.js; here is only what is drawn and how one moves in it.

import { count, explain } from "./wire.js";

const $ = (id) => document.getElementById(id);

/** So many frames are kept. */
const FRAMES = 500;

const list = $("frames");
/** What each row shows: the frame with its explanation. */
const framesOf = new WeakMap();
/** Frames that are not drawn yet. */
let arrived = [];
let number = 0;
/** The row and part that somebody has chosen; without a row the panel follows the newest. */
let chosen = { row: undefined, part: undefined };
/** Whether the pointer is over the list: then nothing moves away under it. */
let isPointedAt = false;
/** Whether it goes on to the newest when the pointer leaves. */
let isFollowing = false;

/** Takes a frame. What comes in one go is drawn in one go, and a page that nobody sees draws nothing. */
export function showFrame(frame) {
    // The data itself is not kept: it may be a megabyte.
    const { data, ...rest } = frame;
    arrived.push({ ...rest, ...explain(frame) });
    if (arrived.length === 1) requestAnimationFrame(draw);
    if (arrived.length > 2 * FRAMES) arrived = arrived.slice(-FRAMES);
}

function draw() {
    const wasAtEnd = isAtEnd();
    list.append(...arrived.slice(-FRAMES).map(makeRow));
    arrived = [];
    while (list.childElementCount > FRAMES) list.firstElementChild.remove();
    if (!chosen.row && !isPointedAt) {
        look(newest());
        if (wasAtEnd) toEnd();
    }
    showFollowing();
}

// ---------------------------------------------------------------------------------------------------------------------
// Rows

const HIDDEN_BY = { http: $("http"), heartbeat: $("heartbeat") };

function makeRow(frame) {
    const row = document.createElement("li");
    row.id = `frame-${++number}`;
    row.role = "option";
    row.ariaSelected = "false";
    row.className = frame.sent ? "sent" : "received";
    row.hidden = HIDDEN_BY[frame.sort]?.checked === false;
    framesOf.set(row, frame);
    const head = element("span", "head");
    head.append(
        element("span", "way", frame.sent ? "→ sent" : "← received"),
        element("span", "by", BY[frame.transport] ?? frame.transport),
        element("span", "summary", frame.summary),
        element("span", "time", time(frame.time)),
    );
    row.append(head, makeCode(frame));
    return row;
}

const BY = { polling: "polling", websocket: "WebSocket" };

function makeCode(frame) {
    const code = element("code", "frame");
    frame.parts.forEach((part, at) => {
        const span = element("span", `part ${part.kind}`, part.text);
        if (part.name) span.dataset.part = at;
        code.append(span);
    });
    return code;
}

function element(name, className, text = "") {
    const made = document.createElement(name);
    made.className = className;
    // Never as HTML: these are words of strangers.
    made.textContent = text;
    return made;
}

function time(ms) {
    const date = new Date(ms);
    const two = (value) => String(value).padStart(2, "0");
    const fraction = String(date.getMilliseconds()).padStart(3, "0");
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${fraction}`;
}

// ---------------------------------------------------------------------------------------------------------------------
// The meaning of one frame

/** Shows what a frame means, with one of its parts marked. */
function look(row, part) {
    for (const marked of list.querySelectorAll(".looked")) marked.classList.remove("looked");
    const meaning = $("meaning");
    if (!row) return meaning.replaceChildren();
    const frame = framesOf.get(row);
    const head = element("p", "head");
    const bytes = `${count(frame.bytes)} ${frame.bytes === 1 ? "byte" : "bytes"}`;
    const way = frame.sent ? "→ sent" : "← received";
    head.append(element("b", "summary", frame.summary), ` · ${way} by ${BY[frame.transport]} · ${bytes}`);
    const parts = element("dl", "parts");
    frame.parts.forEach(({ kind, text, name, value, says }, at) => {
        if (!name) return;
        const term = element("dt", "");
        const code = element("code", `part ${kind}`, text);
        // An implied part has no text.
        term.append(text === "" ? element("span", "implied", "not written") : code);
        const words = element("dd", "");
        const title = value === undefined ? `${name}.` : `${name}: ${value}.`;
        words.append(element("span", "name", title), ` ${says}`);
        const both = element("div", at === part ? "looked" : "");
        both.append(term, words);
        parts.append(both);
    });
    meaning.replaceChildren(head, parts);
    row.querySelector(`[data-part="${part}"]`)?.classList.add("looked");
    const looked = parts.querySelector(".looked");
    // `scrollIntoView` would move the page too.
    meaning.scrollTop = looked ? Math.max(looked.offsetTop + looked.offsetHeight - meaning.clientHeight + 8, 0) : 0;
    return undefined;
}

const partOf = (target) => {
    const part = target.closest("[data-part]");
    return part ? Number(part.dataset.part) : undefined;
};

// Looking is enough: the pointer over a frame explains it, and leaves no trace when it goes on.
list.addEventListener("pointerover", ({ target }) => {
    const row = target.closest("li");
    if (!row) return;
    isFollowing ||= !isPointedAt && !chosen.row && isAtEnd();
    isPointedAt = true;
    look(row, partOf(target));
});
list.addEventListener("pointerleave", () => {
    isPointedAt = false;
    look(chosen.row ?? newest(), chosen.part);
    if (isFollowing && !chosen.row) toEnd();
    isFollowing = false;
});
list.addEventListener("click", ({ target }) => {
    const row = target.closest("li");
    if (row) choose(row, partOf(target));
});

// ---------------------------------------------------------------------------------------------------------------------
// Choosing one, by click or key

function choose(row, part) {
    chosen.row?.setAttribute("aria-selected", "false");
    chosen = { row, part };
    if (row) {
        row.setAttribute("aria-selected", "true");
        list.setAttribute("aria-activedescendant", row.id);
        const top = row.offsetTop;
        if (top < list.scrollTop) list.scrollTop = top;
        const below = top + row.offsetHeight - list.clientHeight;
        if (below > list.scrollTop) list.scrollTop = below;
    } else {
        list.removeAttribute("aria-activedescendant");
        toEnd();
    }
    // A choice is read aloud; what only arrives is not.
    $("meaning").ariaLive = row ? "polite" : "off";
    look(row ?? newest(), part);
    showFollowing();
}

const rows = () => [...list.children].filter((row) => !row.hidden);

/** The newest packet. By polling a GET that waits comes after each: that one says little. */
function newest() {
    const all = rows();
    return all.findLast((row) => framesOf.get(row).sort !== "http") ?? all.at(-1);
}

function toEnd() {
    list.scrollTop = list.scrollHeight;
}

function isAtEnd() {
    return list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
}

function showFollowing() {
    $("newest").disabled = !chosen.row && isAtEnd();
}

// A list that becomes smaller would hide its end.
new ResizeObserver(() => $("newest").disabled && toEnd()).observe(list);

list.addEventListener("scroll", showFollowing);
$("newest").onclick = () => choose(undefined);
$("clear").onclick = () => {
    list.replaceChildren();
    choose(undefined);
};
for (const box of Object.values(HIDDEN_BY)) {
    box.onchange = () => {
        for (const row of list.children) row.hidden = HIDDEN_BY[framesOf.get(row).sort]?.checked === false;
        choose(undefined);
    };
}

/** The part of the chosen frame that is so many steps further. */
function partAt(steps) {
    const named = framesOf.get(chosen.row).parts.flatMap((part, at) => (part.name ? [at] : []));
    const at = named.indexOf(chosen.part);
    return named[at < 0 ? (steps > 0 ? 0 : named.length - 1) : (at + steps + named.length) % named.length];
}

const KEYS = {
    ArrowUp: (all, at) => choose(all[Math.max(at - 1, 0)]),
    ArrowDown: (all, at) => (at + 1 < all.length ? choose(all[at + 1]) : choose(undefined)),
    PageUp: (all, at) => choose(all[Math.max(at - 10, 0)]),
    PageDown: (all, at) => choose(all[Math.min(at + 10, all.length - 1)]),
    Home: (all) => choose(all[0]),
    End: () => choose(undefined),
    Escape: () => choose(undefined),
    ArrowRight: (all, at) => {
        if (!chosen.row) choose(all[at]);
        choose(chosen.row, partAt(1));
    },
    ArrowLeft: (all, at) => {
        if (!chosen.row) choose(all[at]);
        choose(chosen.row, partAt(-1));
    },
};

list.addEventListener("keydown", (event) => {
    const all = rows();
    const key = KEYS[event.key];
    if (!key || event.ctrlKey || event.metaKey || event.altKey || all.length === 0) return;
    event.preventDefault();
    // A row that is long gone counts as the oldest.
    key(all, Math.max(all.indexOf(chosen.row ?? newest()), 0));
});
