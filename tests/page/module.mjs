// Loads a module of the page. Its files end in `.js` and have no package.json, as the browser needs none, and not every
// node takes such a file for an ES module: so a copy gets another ending.

import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A module that imports no other: of the chat page, unless another directory of the source is named. */
export async function load(name, place = "server/chat") {
    const directory = await mkdtemp(join(tmpdir(), "spanwalk-page-"));
    try {
        const copy = join(directory, name.replace(".js", ".mjs"));
        await copyFile(fileURLToPath(new URL(`../../src/${place}/${name}`, import.meta.url)), copy);
        return await import(pathToFileURL(copy));
    } finally {
        await rm(directory, { recursive: true });
    }
}
