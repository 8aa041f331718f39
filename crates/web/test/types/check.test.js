/** The types that the library and the pages say they have. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const HERE = fileURLToPath(new URL(".", import.meta.url));

/** What the compiler finds fault with. */
async function faults(...options) {
  const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
  try {
    await run(process.execPath, [tsc, ...options], { cwd: HERE });
    return [];
  } catch (error) {
    const lines = `${error.stdout}${error.stderr}`.split("\n").filter((line) => line !== "");
    assert.notEqual(lines.length, 0, String(error));
    return lines;
  }
}

test("the library and the pages pass the strict check", async () => {
  assert.deepEqual(await faults("-p", "tsconfig.json"), []);
});

test("the library passes by itself, as its package is made", async () => {
  assert.deepEqual(await faults("-p", "../../client/tsconfig.json", "--noEmit", "--emitDeclarationOnly", "false"), []);
});
