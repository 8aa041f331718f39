/** The view library of the pages is the package's own, unchanged. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const VENDORED = fileURLToPath(new URL("../../../../examples/pages/vendor/lit-html/", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../node_modules/lit-html/", import.meta.url));

test("each vendored file of lit-html is the package's", async () => {
  const files = (await readdir(VENDORED, { recursive: true, withFileTypes: true }))
    .filter((file) => file.isFile() && file.name !== "README.md")
    .map((file) => join(file.parentPath ?? file.path, file.name).slice(VENDORED.length));
  assert.ok(files.includes("lit-html.js") && files.includes("LICENSE"), `${files}`);
  for (const file of files) {
    assert.equal(await readFile(join(VENDORED, file), "utf8"), await readFile(join(PACKAGE, file), "utf8"), file);
  }
});

test("the version that is said is the one that is there", async () => {
  const { version } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));
  assert.match(await readFile(join(VENDORED, "README.md"), "utf8"), new RegExp(`^Version: ${version.replaceAll(".", "\\.")}$`, "m"));
});

test("what the vendored files import is there, too", async () => {
  const modules = (await readdir(VENDORED, { recursive: true })).filter((file) => file.endsWith(".js"));
  for (const module of modules) {
    const text = await readFile(join(VENDORED, module), "utf8");
    for (const [, , path] of text.matchAll(/(from|import)\s*"([^"]+)"/g)) {
      const named = new URL(path, new URL(module, "file:///")).pathname.slice(1);
      assert.ok(modules.includes(named), `${module} imports ${path}`);
    }
  }
});
