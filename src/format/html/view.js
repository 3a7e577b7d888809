// The page: draws what the model says at the cursor, and turns keys, clicks and the scrubber into moves of the cursor.
//
// Whatever was recorded reaches the page as text (`textContent`), never as markup. The lessons' prose is markup that the
// export has made of Markdown.
import { LANE, Recording, calls, countText, diff, fieldRows, fileName, timeText } from "./model.js";
import { ROW, Timeline } from "./timeline.js";

/** What each kind of lane is, by its number. */
const KINDS = ["plain code on a thread", "a task of the loop: runs when it is polled", "async calls: when they ran is not in the file"];
/** Rows of a list that are put into the page; the rest is counted. */
const SHOWN = { lanes: 40, frames: 60, matches: 200, printed: 400, rows: 60 };

/** Every key: what it does, and the sentence in the help. */
const KEYS = [
    { keys: ["s", "ArrowRight", "f"], run: "into", doc: "To where a call begins or ends next, in whichever lane." },
    { keys: ["b", "ArrowLeft"], run: "back", doc: "One step back." },
    { keys: ["n"], run: "over", doc: "To the end of this call. With a search: to the next match." },
    { keys: ["o"], run: "out", doc: "To the end of the call around this one." },
    { keys: ["e", "E"], run: "event", doc: "To the next event, to the one before." },
    { keys: ["r"], run: "loop", doc: "To where the loop starts; from there, to where it serves.", taught: true },
    { keys: ["Home", "End"], run: "ends", doc: "To the beginning, to the end." },
    { keys: ["ArrowUp", "ArrowDown", "k", "j"], run: "select", doc: "Select another frame: its lesson, fields and source are shown." },
    { keys: ["/"], run: "search", doc: "Search calls: a part of a name, lane:hub, name:spawn, field.fd:5, dur>1ms, open:, and !word for not." },
    { keys: ["N"], run: "previous", doc: "With a search: to the match before." },
    { keys: ["B"], run: "moments", doc: "The stacks before, during and after the loop starts, side by side.", taught: true },
    { keys: ["i"], run: "steps", doc: "The chain as a list; a step leads to its first call.", taught: true },
    { keys: ["A"], run: "claims", doc: "Every claim, as the whole recording bears it out.", taught: true },
    { keys: ["a"], run: "answer", doc: "Show or hide the answer to the lesson's question.", taught: true },
    { keys: ["+", "=", "-"], run: "zoom", doc: "Zoom the timeline around the cursor. Ctrl and the wheel, or two fingers, zoom around the pointer." },
    { keys: ["<", ">"], run: "pan", doc: "Earlier, later. A drag moves the timeline too; a click puts the cursor there." },
    { keys: ["0"], run: "fit", doc: "All of the recording in the timeline." },
    { keys: ["t"], run: "theme", doc: "Light or dark." },
    { keys: ["?"], run: "help", doc: "This list." },
    { keys: ["Escape"], run: "close", doc: "Close what is open; end the search." },
];

const $ = (id) => document.getElementById(id);
const recording = new Recording(JSON.parse($("recording").textContent));
const isTaught = recording.steps.length > 0;

let cursor = recording.first;
/** The frame or the lane that is looked at: { span } or { lane }. */
let selected = null;
let matches = [];
let said = "";
/** What was asked to be shown whole. */
const unfolded = new Set();
let isAnswered = false;
let shownStep = null;

const timeline = new Timeline(recording, $("chart"), {
    onCursor(time, span) {
        go(recording.cursorAt(time), span);
    },
});

$("unknown").hidden = !recording.lanes.some((lane) => lane.kind === LANE.async);

/** An element with attributes and children; texts stay texts. */
function el(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
        else made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return made;
}

/** Markup that the export has made of a lesson's Markdown. */
function prose(markup) {
    const made = el("div", { class: "prose" });
    made.innerHTML = markup;
    for (const link of made.querySelectorAll("a")) {
        link.rel = "noreferrer";
        link.target = "_blank";
    }
    return made;
}

// Moves.

function go(to, span = null) {
    said = "";
    if (typeof to === "string") said = to;
    else cursor = Math.min(Math.max(to, recording.first), recording.length);
    const state = recording.stateAt(cursor);
    const isOpen = span !== null && [...state.lanes.values()].some((lane) => lane.stack.some((frame) => frame.span === span));
    const here = recording.here(state);
    selected = isOpen ? { span } : here === null ? null : { span: here };
    render();
}

const RUN = {
    into: () => go(recording.into(cursor)),
    back: () => go(recording.back(cursor)),
    over: () => (matches.length > 0 ? RUN.next() : go(recording.over(cursor))),
    out: () => go(recording.out(cursor)),
    event: (key) => go(key === "E" ? cursor - 1 : cursor + 1),
    start: () => go(recording.first),
    end: () => go(recording.length),
    ends: (key) => (key === "Home" ? RUN.start() : RUN.end()),
    loop() {
        const next = recording.marks.find((mark) => mark.cursor > cursor);
        go(next ? next.cursor : recording.marks.length > 0 ? "the loop serves already" : "the loop starts nowhere in this recording");
    },
    select: (key) => select(key === "ArrowUp" || key === "k" ? -1 : 1),
    search() {
        $("find").hidden = false;
        $("query").focus();
        $("query").select();
    },
    next: () => toMatch(1),
    previous: () => toMatch(-1),
    moments: () => showDialog("Before, during, after", moments(), ""),
    steps: () => showDialog("The chain", steps(), "slim"),
    claims: () => showDialog("Every claim, over the whole recording", claims(), "slim"),
    help: () => showDialog("Keys", help(), "slim"),
    answer() {
        isAnswered = !isAnswered;
        render();
    },
    zoom: (key) => timeline.zoom(key === "-" ? 2 : 0.5),
    zoomIn: () => timeline.zoom(0.5),
    zoomOut: () => timeline.zoom(2),
    pan: (key) => timeline.pan(key === "<" ? -0.25 : 0.25),
    earlier: () => timeline.pan(-0.25),
    later: () => timeline.pan(0.25),
    fit: () => timeline.fit(),
    theme: () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
    close() {
        if ($("dialog").open) $("dialog").close();
        else endSearch();
    },
};

const byKey = new Map(KEYS.flatMap(({ keys, run, taught }) => (taught && !isTaught ? [] : keys.map((key) => [key, run]))));

document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target, key } = event;
    const isTyping = target.matches?.("input[type=search]");
    if (isTyping) {
        if (key === "Escape") RUN.close();
        else if (key === "Enter") toMatch(event.shiftKey ? -1 : 1);
        else return;
        return event.preventDefault();
    }
    // The scrubber has arrows of its own, and what scrolls is scrolled.
    if (target.id === "scrub" && (key.startsWith("Arrow") || key === "Home" || key === "End")) return;
    if (["page", "code", "dialog-body"].includes(target.id) && ["ArrowUp", "ArrowDown", "Home", "End"].includes(key)) return;
    if ($("dialog").open && !["close", "moments", "steps", "claims", "help"].includes(byKey.get(key))) return;
    const run = byKey.get(key);
    if (!run) return;
    event.preventDefault();
    // The key that has opened a list closes it.
    if ($("dialog").open && $("dialog").dataset.run === run) $("dialog").close();
    else perform(run, key);
});

document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-do]");
    if (button) perform(button.dataset.do, "");
});

function perform(run, key) {
    if (["moments", "steps", "claims", "help"].includes(run)) $("dialog").dataset.run = run;
    RUN[run](key);
}

/** Selects the row above or below in the call stack. */
function select(by) {
    const rows = [...$("lanes").querySelectorAll("[data-row]")];
    const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
    const row = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (row) choose(row);
}

function choose(row) {
    const [kind, id] = row.dataset.row.split(" ");
    selected = kind === "span" ? { span: Number(id) } : { lane: Number(id) };
    isAnswered = false;
    render();
}

$("lanes").addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row) choose(row);
});

$("scrub").addEventListener("input", () => go(Number($("scrub").value)));
$("find").addEventListener("submit", (event) => event.preventDefault());
$("query").addEventListener("input", find);
$("dialog").addEventListener("click", (event) => event.target === $("dialog") && $("dialog").close());

// Search.

function find() {
    const found = recording.search($("query").value);
    matches = Array.isArray(found) ? found : [];
    timeline.matches = new Set(matches.map((span) => span.id));
    $("found").textContent = Array.isArray(found) ? "" : found;
    renderMatches();
    timeline.draw();
}

function currentMatch() {
    const at = matches.findLastIndex((span) => span.entered + 1 <= cursor);
    return at >= 0 && matches[at].entered + 1 === cursor ? at : -1;
}

function toMatch(by) {
    if (matches.length === 0) return;
    const places = matches.map((span) => span.entered + 1);
    let at = by > 0 ? places.findIndex((place) => place > cursor) : places.findLastIndex((place) => place < cursor);
    if (at < 0) at = by > 0 ? 0 : places.length - 1;
    go(places[at], matches[at].id);
}

function renderMatches() {
    const at = currentMatch();
    if ($("query").value.trim() !== "" && !$("found").textContent.includes("write") && !$("found").textContent.includes("ask for")) {
        $("found").textContent = matches.length === 0 ? "no call" : at >= 0 ? `${countText(at + 1)} of ${countText(matches.length)}` : `${countText(matches.length)} ${matches.length === 1 ? "call" : "calls"}`;
    }
    const first = Math.max(0, Math.min(at - SHOWN.matches / 2, matches.length - SHOWN.matches));
    const rows = matches.slice(first, first + SHOWN.matches).map((span, index) => {
        const site = recording.sites[span.site];
        const took = span.closedAt === null ? "open" : timeText(span.closedAt - span.openedAt);
        const row = el("button", { type: "button", "aria-current": first + index === at ? "true" : null, onclick: () => go(span.entered + 1, span.id) },
            el("span", { class: "mono" }, site.name), el("span", { class: "quiet" }, `${recording.lanes[span.lane].name} · at ${timeText(span.openedAt)} · ${took} · ${place(site)}`));
        return el("li", {}, row);
    });
    if (matches.length > SHOWN.matches) rows.push(el("li", { class: "more" }, `… of ${countText(matches.length)} in all; n and N go through every one`));
    $("matches").replaceChildren(...rows);
    $("matches").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

function endSearch() {
    if ($("find").hidden) return;
    $("find").hidden = true;
    $("query").value = "";
    find();
    $("lanes").focus();
}

// The picture at the cursor.

function render() {
    const state = recording.stateAt(cursor);
    const here = recording.here(state);
    renderStatus(state, here);
    renderStack(state, here);
    renderLesson();
    renderFields(state);
    renderSource();
    if (!$("find").hidden) renderMatches();
    timeline.set(cursor, here);
}

function renderStatus(state, here) {
    const span = here === null ? null : recording.spans.get(here);
    const step = here === null ? null : recording.stepAround(here);
    const name = span ? recording.sites[span.site].name : "";
    const lane = span ? state.lanes.get(span.lane) : null;
    const call = step && recording.stepOfSite[span.site] !== step ? `${step.id} › ${name}` : step ? step.id : name;
    const time = timeText(recording.timeAt(cursor));
    const parts = [
        span && ["step", step ? `step ${step.number + 1} of ${recording.steps.length} · ${call}` : call],
        lane && ["", `${recording.lanes[lane.id].name} ${recording.word(state, lane)}`],
        ["", recording.phase(cursor)],
        ["quiet", `${recording.clock} time ${time}`],
        ["quiet", `event ${countText(cursor)} of ${countText(recording.length)}`],
        said && ["said", said],
    ];
    $("status").replaceChildren(...parts.filter((part) => part && part[1]).map(([kind, text]) => el("span", { class: kind }, text)));
    $("scrub").value = cursor;
    $("scrub").setAttribute("aria-valuetext", `event ${cursor} of ${recording.length}, ${time}${call ? `, ${call}` : ""}`);
    $("chart").setAttribute("aria-label", `Timeline of ${recording.lanes.length} lanes from ${timeText(recording.from)} to ${timeText(recording.until)}; the cursor is at ${time}${call ? `, in ${call}` : ""}`);
}

function place(site) {
    return `${fileName(site.file)}${site.line === null ? "" : `:${site.line}`}`;
}

function frameRow(id, { here = false, change = "", row = false } = {}) {
    const site = recording.siteOf(id);
    const mark = { added: "+", removed: "−" }[change] ?? (here ? "→" : "");
    const attributes = { class: ["frame", here && "here", change].filter(Boolean).join(" "), title: `${site.target}::${site.name}` };
    if (row) Object.assign(attributes, { role: "treeitem", "aria-level": 2, "data-row": `span ${id}`, id: `row-span-${id}`, "aria-selected": String(selected?.span === id) });
    return el("div", attributes,
        el("span", { "aria-hidden": change ? null : "true" }, mark), el("span", { class: "call" }, site.name), el("span", { class: "file" }, place(site)));
}

function laneHead(state, lane, { isNew = false, row = false } = {}) {
    const of = recording.lanes[lane.id];
    const thread = recording.threads[lane.thread];
    const name = thread === of.name || !thread ? of.name : `${thread} · ${of.name}`;
    const attributes = { class: "head" };
    if (row) Object.assign(attributes, { role: "treeitem", "aria-level": 1, "data-row": `lane ${lane.id}`, id: `row-lane-${lane.id}`, "aria-selected": String(selected?.lane === lane.id) });
    return el("div", attributes, el("span", { class: "name" }, `${isNew ? "+ " : ""}${name}`), el("span", { class: `state ${recording.activity(state, lane).kind}` }, recording.word(state, lane)));
}

function more(what, count, key) {
    return el("div", { class: "more" }, `… ${countText(count)} more ${what} `, el("button", { type: "button", class: "link", onclick: () => { unfolded.add(key); render(); } }, "show"));
}

function renderStack(state, here) {
    const paused = recording.pausedIn(state);
    const all = [...state.lanes.values()];
    const current = here === null ? null : recording.spans.get(here).lane;
    const alive = all.filter((lane) => !lane.isDone);
    const done = all.filter((lane) => lane.isDone);
    const rows = [];
    // The lane we are in is there, however many there are.
    const isShown = (lane, at) => unfolded.has("lanes") || at < SHOWN.lanes || lane.id === current;
    for (const lane of alive.filter(isShown)) {
        const frames = calls(lane).toReversed();
        const key = `frames ${lane.id}`;
        const shown = unfolded.has(key) || frames.length <= SHOWN.frames ? frames : frames.slice(0, SHOWN.frames);
        rows.push(el("div", { class: "lane", role: "none" }, laneHead(state, lane, { row: true }),
            shown.map((frame) => frameRow(frame.span, { here: frame.span === (paused?.lane === lane.id ? paused.span : here), row: true })),
            shown.length < frames.length && more("frames, the outer ones", frames.length - shown.length, key)));
    }
    const hidden = alive.length - alive.filter(isShown).length;
    if (hidden > 0) rows.push(more("lanes", hidden, "lanes"));
    const over = recording.lanes.filter((lane) => lane.close !== null).length;
    if (done.length > 0) {
        const names = done.slice(-8).map((lane) => recording.lanes[lane.id].name).join(", ");
        rows.push(el("div", { class: "more" }, `done: ${names}${done.length > 8 || over > done.length && done.length >= 32 ? " and others" : ""}`));
    }
    if (rows.length === 0) rows.push(el("div", { class: "more" }, "Nothing has happened yet."));
    $("lanes").replaceChildren(...rows);
    const row = $("lanes").querySelector('[aria-selected="true"]');
    $("lanes").setAttribute("aria-activedescendant", row?.id ?? "");
    keepInSight($("lanes"), row);
}

/** Scrolls a box that scrolls by itself; the page stays where it is. */
function keepInSight(box, row) {
    if (!row || box.scrollHeight <= box.clientHeight) return;
    const [outer, inner] = [box.getBoundingClientRect(), row.getBoundingClientRect()];
    if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top + 8;
    else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom + 8;
}

/** The span that is looked at: of a lane its innermost call. */
function lookedAt(state = recording.stateAt(cursor)) {
    if (selected?.lane !== undefined) {
        const lane = state.lanes.get(selected.lane);
        return (lane && calls(lane).at(-1)?.span) ?? null;
    }
    return selected?.span ?? null;
}

const VERDICTS = { true: ["✓ TRUE", "good"], imprecise: ["≈ IMPRECISE", "doubt"], wrong: ["✗ WRONG", "bad"], missing: ["+ MISSING", "new"], empty: ["○ EMPTY", "new"] };
const OUTCOMES = { holds: ["✓ holds", "good"], contradicted: ["✗ contradicted", "bad"], "not run": ["· not run", "none"] };

function badge([text, kind]) {
    return el("span", { class: `badge ${kind}` }, text);
}

function claimRow(claim, at) {
    const { word, detail, events } = recording.outcome(claim, at);
    const isAsSaid = word === claim.expected;
    const verdict = word === "not run" ? "" : isAsSaid ? (word === "holds" ? "" : " — as this page says") : " — not as this page says";
    const links = events.map((event) => el("button", { type: "button", class: "link", onclick: () => { $("dialog").close(); go(event.cursor); } }, `event ${countText(event.number)}`));
    return el("li", {}, badge(OUTCOMES[word]), " ", claim.says, " ",
        el("div", { class: "by" }, `${claim.number}, by the ${claim.by}: `, el("code", {}, claim.asked), word === "not run" ? null : `: ${detail}${verdict} `, links.flatMap((link) => [link, " "])));
}

/** What a page says, at a cursor. */
function lesson(page, at, isWhole) {
    const parts = [];
    if (page.verdict) {
        parts.push(el("div", { class: "report" },
            el("div", { class: "line" }, el("span", { class: "label" }, page.report ? "The report says" : "The report leaves this out"), badge(VERDICTS[page.verdict])),
            page.report && el("blockquote", {}, `“${page.report.trim().replace(/^["“”]+|["“”]+$/g, "")}”`)));
    }
    if (page.truth) parts.push(el("h4", {}, "What happens"), prose(page.truth));
    if (page.claims.length > 0) {
        parts.push(el("h4", {}, isWhole ? "In this recording" : "In this recording, up to here"), el("ul", { class: "claims" }, page.claims.map((claim) => claimRow(claim, at))));
    }
    if (page.look) parts.push(el("p", {}, el("span", { class: "label" }, "Look at: "), page.look));
    if (page.question) {
        parts.push(el("p", {}, el("span", { class: "label" }, "Question: "), page.question));
        if (page.answer && (isAnswered || isWhole)) parts.push(el("p", {}, el("span", { class: "label" }, "Answer: "), page.answer));
        if (page.answer && !isWhole) parts.push(el("button", { type: "button", "aria-expanded": String(isAnswered), onclick: RUN.answer }, isAnswered ? "Hide the answer" : "Show the answer"));
    }
    parts.push(prose(page.prose));
    if (page.upstream) parts.push(el("p", {}, el("span", { class: "label" }, "In Python: "), el("a", { href: /^https?:/.test(page.upstream[1]) ? page.upstream[1] : null, rel: "noreferrer", target: "_blank" }, page.upstream[0])));
    return parts;
}

function renderLesson() {
    if (!isTaught) return;
    const span = lookedAt();
    const step = span === null ? null : recording.stepAround(span);
    const isAnother = step?.id !== shownStep;
    if (isAnother) [shownStep, isAnswered] = [step?.id, isAnswered && !isAnother];
    const page = step && step.page !== null ? recording.pages[step.page] : null;
    $("lesson-head").textContent = step ? `${step.number + 1} · ${step.id}` : "Lesson";
    const name = span === null ? null : recording.siteOf(span).name;
    const parts = page
        ? [el("h3", {}, page.title), ...lesson(page, cursor, false)]
        : [el("p", { class: "quiet" }, name === null ? "No documented step has run yet. Press s, or Step, to walk through the chain." : `${name} is not a step of the documented chain.`)];
    $("page").replaceChildren(...parts);
    if (isAnother) $("page").scrollTop = 0;
}

function renderFields(state) {
    const id = lookedAt(state);
    const rows = [];
    if (selected?.lane !== undefined && state.lanes.has(selected.lane)) {
        const lane = state.lanes.get(selected.lane);
        const of = recording.lanes[lane.id];
        rows.push(["lane", of.name], ["state", recording.word(state, lane)], ["thread", recording.threads[lane.thread]], ["kind", KINDS[of.kind]]);
        $("fields-head").textContent = `Lane ${of.name}`;
    } else if (id !== null) {
        const span = recording.spans.get(id);
        const frame = state.lanes.get(span.lane)?.stack.find((frame) => frame.span === id);
        rows.push(...fieldRows(frame?.fields ?? span.fields));
        const now = recording.timeAt(cursor);
        const text = frame ? `open for ${timeText(Math.max(now - span.openedAt, 0))}` : `over after ${timeText((span.closedAt ?? now) - span.openedAt)}`;
        rows.push(["opened", `at ${timeText(span.openedAt)}, ${text}`]);
        if (frame && frame.enters > 1) rows.push(["entered", `${countText(frame.enters)} times`]);
        rows.push(["module", recording.siteOf(id).target]);
        $("fields-head").textContent = `Fields of ${recording.siteOf(id).name}`;
    } else {
        $("fields-head").textContent = "Fields";
    }
    const list = rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
    $("values").replaceChildren(rows.length > 0 ? el("dl", {}, list) : el("p", { class: "quiet" }, "Nothing is selected."));
}

function renderSource() {
    const id = lookedAt();
    const site = id === null ? null : recording.siteOf(id);
    const listing = site && recording.listings.get(`${site.file}:${site.line}`);
    const key = listing ? `${site.file}:${site.line}` : "";
    $("source-head").textContent = site ? `${site.file ?? "no file"}${site.line === null ? "" : `:${site.line}`}` : "Source";
    if ($("code").dataset.of === key && listing) return;
    $("code").dataset.of = key;
    if (!listing) {
        $("code").replaceChildren(el("p", { class: "quiet" }, site ? "The text of this file is not part of the page." : "No source for what is selected."));
        return;
    }
    const rows = listing.lines.map((pieces, index) => {
        const number = listing.first + index;
        const isAt = number === listing.line;
        const isIn = number >= listing.function[0] && number <= listing.function[1];
        const text = [];
        for (let at = 0; at < pieces.length; at += 2) {
            const kind = pieces[at] === "number" ? "number-piece" : pieces[at];
            text.push(kind ? el("span", { class: kind }, pieces[at + 1]) : pieces[at + 1]);
        }
        return el("div", { class: `row${isIn ? " in" : ""}${isAt ? " at" : ""}` }, el("span", { class: "number" }, `${isAt ? "→ " : ""}${number}`), el("span", {}, text));
    });
    $("code").replaceChildren(...rows);
    $("code").scrollTop = 0;
    // The line is seen, with some of what is above it.
    const at = rows[listing.line - listing.first];
    if (at && at.offsetTop - rows[0].offsetTop > $("code").clientHeight * 0.6) $("code").scrollTop = at.offsetTop - rows[0].offsetTop - $("code").clientHeight / 3;
}

// What opens on top.

function showDialog(title, body, kind) {
    const dialog = $("dialog");
    dialog.className = kind;
    $("dialog-head").textContent = title;
    $("dialog-body").replaceChildren(...[body].flat());
    if (!dialog.open) dialog.showModal();
    $("dialog-body").focus();
    dialog.scrollTop = 0;
    dialog.querySelector(".now")?.scrollIntoView({ block: "center" });
}

function moments() {
    let earlier = null;
    const columns = recording.moments.map((moment) => {
        const head = el("h3", {}, `${moment.title.toUpperCase()} `, el("span", { class: "quiet" }, moment.what));
        if (moment.cursor === null) return el("section", {}, head, el("p", { class: "quiet" }, `${moment.why}.`));
        const state = structuredClone(recording.stateAt(moment.cursor));
        const lanes = diff(recording, earlier, state).filter(({ lane }) => !lane.isDone).slice(0, SHOWN.lanes);
        earlier = state;
        const jump = el("button", { type: "button", class: "link", onclick: () => { $("dialog").close(); go(moment.cursor); } }, `go there: event ${countText(moment.cursor)}, ${timeText(recording.timeAt(moment.cursor))}`);
        return el("section", {}, head, jump,
            lanes.map(({ lane, isNew, frames }) => el("div", { class: "lane" }, laneHead(state, lane, { isNew }), frames.slice(0, SHOWN.frames).map(({ span, change }) => frameRow(span, { change })))),
            el("ul", { class: "facts" }, el("li", { class: "label" }, "Who accepts?"), moment.facts.map((fact) => el("li", {}, fact))));
    });
    return [el("p", { class: "quiet" }, "Innermost call first. + is new since the column before, − is gone."), el("div", { class: "columns" }, columns)];
}

function steps() {
    const here = recording.here(recording.stateAt(cursor));
    const now = here === null ? null : recording.stepAround(here);
    return el("ol", { class: "list" }, recording.steps.map((step) => {
        const page = step.page === null ? null : recording.pages[step.page];
        const first = recording.firstOfStep[step.number];
        const name = first === null ? el("span", { class: "quiet" }, step.id) : el("button", { type: "button", class: "link mono", onclick: () => { $("dialog").close(); go(first); } }, step.id);
        return el("li", { class: step === now ? "now" : null, "aria-current": step === now ? "step" : null }, el("span", { class: "quiet" }, step.number + 1), el("span", {}, name, page ? ` ${page.title}` : ""),
            page?.verdict ? badge(VERDICTS[page.verdict]) : el("span", { class: "quiet" }, first === null ? "has not run" : ""));
    }));
}

function claims() {
    const counts = new Map();
    for (const page of recording.pages) {
        for (const claim of page.claims) {
            const { word } = recording.outcome(claim, recording.length);
            counts.set(word, (counts.get(word) ?? 0) + 1);
        }
    }
    const sum = ["holds", "contradicted", "not run"].filter((word) => counts.has(word)).map((word) => `${counts.get(word)} ${word}`).join(", ");
    return [el("p", {}, `${sum}. What the report claims wrongly is contradicted.`), ...recording.pages.filter((page) => page.claims.length > 0).flatMap((page) => [el("h3", {}, page.title), el("ul", { class: "claims" }, page.claims.map((claim) => claimRow(claim, recording.length)))])];
}

const KEY_NAMES = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

function help() {
    const rows = KEYS.filter(({ taught }) => isTaught || !taught).flatMap(({ keys, doc }) => [el("dt", {}, keys.map((key) => el("kbd", {}, KEY_NAMES[key] ?? key))), el("dd", {}, doc)]);
    return [el("dl", { class: "keys" }, rows), el("p", {}, "In the timeline a lane has a row for each depth of calls. A full bar is time on a thread; a line in a frame is a call that is open and waits; an arrow is a switch of control, a dotted one a wake-up. A bar without a right edge was still open at the end.", recording.holds.length > 0 && " Hatched is time in which the program was held."),
        el("p", { class: "quiet" }, `Everything on this page comes from the recording${isTaught ? " and its lessons" : ""}. The page asks no network for anything. Print it to have the chain on paper.`)];
}

// On paper: the whole chain.

const PAPER = { text: "sans-serif", ink: "#000", quiet: "#444", line: "#999", paper: "#fff", accent: "#000", busy: "#777", waiting: "#999", open: "#eee", mark: "#000", doubt: "#444" };

function printed() {
    const parts = [el("h1", {}, `spanwalk · ${recording.title}`), el("p", {}, `${timeText(recording.until - recording.from)} of ${recording.clock} time, ${countText(recording.spans.size)} calls in ${countText(recording.lanes.length)} lanes.`), paper()];
    if (recording.moments.length > 0) {
        const [, columns] = moments();
        for (const button of columns.querySelectorAll("button")) button.replaceWith(el("span", { class: "quiet" }, button.textContent.replace("go there: ", "")));
        parts.push(el("h2", {}, "Before, during, after"), columns);
    }
    const ran = recording.steps.filter((step) => recording.firstOfStep[step.number] !== null && step.page !== null);
    if (ran.length > 0) parts.push(el("h2", {}, "The chain"));
    ran.sort((a, b) => recording.firstOfStep[a.number] - recording.firstOfStep[b.number]);
    for (const step of ran) {
        const span = recording.spans.get(recording.events[recording.firstOfStep[step.number] - 1][4]);
        const site = recording.sites[span.site];
        const page = recording.pages[step.page];
        const where = `first at ${timeText(span.openedAt)}, on ${recording.lanes[span.lane].name}, ${site.file}:${site.line}`;
        parts.push(el("section", { class: "lesson" }, el("h3", {}, `${step.number + 1} · ${step.id}: ${page.title}`), el("p", { class: "quiet" }, where), ...lesson(page, recording.length, true)));
    }
    if (ran.length === 0) {
        const spans = [...recording.spans.values()].slice(0, SHOWN.printed);
        parts.push(el("h2", {}, "Calls"), el("pre", {}, spans.map((span) => `${"  ".repeat(span.depth)}${recording.sites[span.site].name}  ${recording.lanes[span.lane].name}  ${timeText(span.openedAt)}\n`).join("")));
        if (recording.spans.size > spans.length) parts.push(el("p", {}, `… and ${countText(recording.spans.size - spans.length)} more calls.`));
    }
    return parts;
}

/** The timeline as a picture of all of it. */
function paper() {
    const rows = Math.min(timeline.rows.length, SHOWN.rows);
    const [width, height, scale] = [1000, 26 + rows * ROW + 2, 2];
    const canvas = el("canvas", { width: width * scale, height: height * scale, style: "width: 100%" });
    const whole = Object.create(timeline, { width: { value: width }, height: { value: height }, window: { value: [recording.from, recording.until] }, cursor: { value: recording.length }, here: { value: null } });
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    whole.paint(pen, 0, { getPropertyValue: (name) => PAPER[name.slice(2)] ?? "#000" });
    const left = timeline.rows.length - rows;
    return el("div", {}, canvas, left > 0 && el("p", {}, `… and ${countText(left)} more rows of lanes.`));
}

addEventListener("beforeprint", () => $("print").replaceChildren(...printed()));
addEventListener("afterprint", () => $("print").replaceChildren());

// Light and dark.

const isDark = matchMedia("(prefers-color-scheme: dark)");

function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    $("theme").textContent = theme === "dark" ? "Light" : "Dark";
    timeline.draw();
}

isDark.addEventListener("change", () => setTheme(isDark.matches ? "dark" : "light"));

function begin() {
    $("title").textContent = recording.title;
    const { min, max } = { min: recording.first, max: recording.length };
    [$("scrub").min, $("scrub").max] = [min, max];
    const at = (cursor) => `${max > min ? ((cursor - min) / (max - min)) * 100 : 0}%`;
    $("ticks").replaceChildren(...recording.marks.map(({ cursor, word }) => {
        const made = el("button", { type: "button", title: `To where the ${word}`, onclick: () => go(cursor) }, word);
        made.style.setProperty("--at", at(Math.max(cursor, min)));
        return made;
    }));
    // Names of instants that are near each other stand one below the other.
    new ResizeObserver(() => {
        const gaps = recording.marks.slice(1).map((mark, at) => mark.cursor - recording.marks[at].cursor);
        const isCrowded = gaps.some((gap) => (gap / Math.max(1, max - min)) * $("ticks").clientWidth < 90);
        $("ticks").classList.toggle("crowded", isCrowded);
    }).observe($("ticks").parentElement);
    if (!isTaught) {
        document.body.classList.add("plain");
        for (const id of ["moments", "steps", "claims"]) document.querySelector(`[data-do=${id}]`).hidden = true;
        $("lesson").hidden = true;
    }
    if (recording.dropped > 0) said = `${countText(recording.dropped)} events were not recorded`;
    setTheme(isDark.matches ? "dark" : "light");
    const remark = said;
    go(recording.first);
    if (remark) go(remark);
    $("lanes").focus({ preventScroll: true });
}

begin();
