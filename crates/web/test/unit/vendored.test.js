/** What the pages borrow is the packages' own, unchanged. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const BORROWED = [
  { name: "lit-html", folder: "../../../../examples/pages/vendor/lit-html/", entry: "lit-html.js" },
  { name: "uplot", folder: "../../operator/vendor/uplot/", entry: "dist/uPlot.esm.js" },
];

for (const { name, folder, entry } of BORROWED) {
  const vendored = fileURLToPath(new URL(folder, import.meta.url));
  const packaged = fileURLToPath(new URL(`../node_modules/${name}/`, import.meta.url));

  test(`each vendored file of ${name} is the package's`, async () => {
    const files = (await readdir(vendored, { recursive: true, withFileTypes: true }))
      .filter((file) => file.isFile() && file.name !== "README.md")
      .map((file) => join(file.parentPath ?? file.path, file.name).slice(vendored.length));
    assert.ok(files.includes(entry) && files.includes("LICENSE"), `${files}`);
    for (const file of files) {
      assert.equal(await readFile(join(vendored, file), "utf8"), await readFile(join(packaged, file), "utf8"), file);
    }
  });

  test(`the version of ${name} that is said is the one that is there`, async () => {
    const { version } = JSON.parse(await readFile(join(packaged, "package.json"), "utf8"));
    assert.match(await readFile(join(vendored, "README.md"), "utf8"), new RegExp(`^Version: ${version.replaceAll(".", "\\.")}$`, "m"));
  });

  test(`what the vendored files of ${name} import is there, too`, async () => {
    const modules = (await readdir(vendored, { recursive: true })).filter((file) => file.endsWith(".js"));
    for (const module of modules) {
      const text = await readFile(join(vendored, module), "utf8");
      for (const [, , path] of text.matchAll(/(from|import)\s*"([^"\s]+)"/g)) {
        const named = new URL(path, new URL(module, "file:///")).pathname.slice(1);
        assert.ok(modules.includes(named), `${module} imports ${path}`);
      }
    }
  });
}
