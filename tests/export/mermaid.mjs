// Reads sequence diagrams with Mermaid's own parser, and prints what each says: a JSON object per file, as `read.py` does for the
// other formats.
//
//   node mermaid.mjs MERMAID/dist DIRECTORY
//
// `actors` are [id, text]; `steps` are, in order, [what, from, to, text], of which what is `call`, `end`, `switch`, `wake` or `note`.
// What Mermaid cannot read raises, a call that is ended twice too.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [dist, directory] = process.argv.slice(2);

// Mermaid cleans texts of markup by means of a browser's document. There is none, and with this much of one it leaves them alone.
globalThis.document = { nodeType: 9, implementation: {}, createElement: () => ({}) };
globalThis.window = { document, Element: class {}, addEventListener() {} };
const { default: mermaid } = await import(pathToFileURL(join(dist, "mermaid.esm.min.mjs")));

/** A text as it is drawn: the parser keeps `#60;` in a form of its own until then, and a blank of no width is none. */
const drawn = (text) => (text ?? "").replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code))).replaceAll("\u200b", "");

function read({ db }) {
    const { SOLID, SOLID_POINT, NOTE, ACTIVE_START, ACTIVE_END } = db.LINETYPE;
    const steps = [];
    for (const { type, from, to, message, activate } of db.getMessages()) {
        const what = { [SOLID]: activate ? "call" : "switch", [SOLID_POINT]: "wake", [NOTE]: "note", [ACTIVE_START]: "begin", [ACTIVE_END]: "end" }[type];
        if (what === undefined) throw new Error(`a line of type ${type}`);
        // The bar of a call begins with its arrow.
        if (what === "begin") {
            const [before, of] = steps.at(-1);
            if (before !== "call" || of !== from) throw new Error("a bar without a call");
        } else {
            steps.push([what, from, to ?? from, drawn(message)]);
        }
    }
    return { actors: [...db.getActors().values()].map(({ name, description }) => [name, drawn(description)]), steps };
}

for (const file of (await readdir(directory)).filter((file) => file.endsWith(".mmd")).sort()) {
    const text = await readFile(join(directory, file), "utf8");
    // The first to be parsed has the parsers loaded.
    await mermaid.parse(text);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    if (diagram.type !== "sequence") throw new Error(`${file}: ${diagram.type}`);
    console.log(JSON.stringify({ stem: file.slice(0, -".mmd".length), ending: "mmd", ...read(diagram) }));
}
