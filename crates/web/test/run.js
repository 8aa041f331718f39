/**
 * Runs the tests: `node run.js` all of them, `node run.js unit browser/chat` those whose path begins so,
 * `node run.js browser/chat /reload/` of those the ones whose name matches. With `POLLGATE_WEB_LOOK=1` each page is
 * photographed as its test leaves it.
 *
 * Node's own command line finds files differently from version to version; this says which they are.
 */

import { availableParallelism } from "node:os";
import { readdir } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import { PassThrough } from "node:stream";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

import report from "./report.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const FOLDERS = ["types", "unit", "conformance", "browser"];
/** Browsers measure times: more than two at once would measure each other. */
const AT_ONCE = Math.min(2, availableParallelism());

async function testsIn(folder) {
  const files = await readdir(resolve(HERE, folder), { recursive: true }).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return files.filter((file) => file.endsWith(".test.js")).sort().map((file) => resolve(HERE, folder, file));
}

const named = (file) => relative(HERE, file).split(sep).join("/");
const isPattern = (word) => /^\/.+\/$/.test(word);
const wanted = process.argv.slice(2).filter((word) => !isPattern(word));
const testNamePatterns = process.argv.slice(2).filter(isPattern).map((word) => new RegExp(word.slice(1, -1)));
const all = (await Promise.all(FOLDERS.map(testsIn))).flat();
const files = all.filter((file) => wanted.length === 0 || wanted.some((beginning) => named(file).startsWith(beginning)));
if (files.length === 0) {
  console.error(`no test begins with ${wanted.join(" or ")}`);
  process.exit(1);
}

/** An exit code, once somebody has interrupted the tests. */
let interrupted = 0;
const stop = new AbortController();
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]]) {
  process.on(signal, () => {
    interrupted ||= code;
    // each file that runs is told, and removes what it has started; the others do not begin
    stop.abort();
  });
}

// spec and the table both read all events; a stream has one reader
const events = run({ files, concurrency: AT_ONCE, signal: stop.signal, ...(testNamePatterns.length > 0 && { testNamePatterns }) });
const forSpec = new PassThrough({ objectMode: true });
const forReport = new PassThrough({ objectMode: true });
let failed = false;
events.on("data", (event) => {
  if (event.type === "test:fail") failed = true;
  forSpec.write(event);
  forReport.write(event);
});
events.on("end", () => (forSpec.end(), forReport.end()));

const printed = forSpec.compose(new spec());
printed.pipe(process.stdout, { end: false });
await new Promise((resolve) => printed.on("end", resolve));
for await (const text of report(forReport)) process.stdout.write(text);
process.exitCode = interrupted || (failed ? 1 : 0);
