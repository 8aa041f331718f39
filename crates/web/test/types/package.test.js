/** The package as it would be published: packed, unpacked somewhere else, and used from TypeScript and from Node. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));
const TSC = join(MODULES, "typescript/bin/tsc");
const NPM_ENV = { ...process.env, PATH: `${join(MODULES, ".bin")}:${process.env.PATH}` };

let work;
let packed;

before(async () => {
  work = await mkdtemp(join(tmpdir(), "pollgate-package-"));
  const client = join(work, "crates/web/client");
  await mkdir(client, { recursive: true });
  await cp(join(ROOT, "crates/web/client"), client, { recursive: true, filter: (path) => !/\/(node_modules|types)(\/|$)/.test(path.slice(ROOT.length)) });
  for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) await cp(join(ROOT, licence), join(work, licence));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", work], { cwd: client, env: NPM_ENV });
  [packed] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]/m))));
  const installed = join(work, "shop/node_modules/pollgate-client");
  await mkdir(installed, { recursive: true });
  await run("tar", ["xzf", join(work, packed.filename), "-C", installed, "--strip-components=1"]);
  await writeFile(join(work, "shop/package.json"), '{"type":"module"}');
});

after(() => rm(work, { recursive: true, force: true }));

test("what goes along is the modules, their types, the licences, and nothing else", () => {
  const paths = packed.files.map(({ path }) => path);
  const others = paths.filter((path) => !/^(package\.json|README\.md|LICENSE-(MIT|APACHE)|[a-z][\w/-]*\.js|types\/[\w/-]+\.d\.ts)$/.test(path));
  assert.deepEqual(others, []);
  const modules = paths.filter((path) => path.endsWith(".js"));
  assert.ok(modules.includes("pollgate.js"));
  for (const path of modules) {
    assert.ok(paths.includes(`types/${path.replace(/\.js$/, ".d.ts")}`), `${path} has no types`);
  }
  for (const file of ["README.md", "LICENSE-MIT", "LICENSE-APACHE"]) assert.ok(paths.includes(file), file);
});

test("its version and licence are the product's", async () => {
  const cargo = await readFile(join(ROOT, "Cargo.toml"), "utf8");
  const own = JSON.parse(await readFile(join(ROOT, "crates/web/client/package.json"), "utf8"));
  assert.equal(own.version, cargo.match(/^version = "(.*)"/m)[1]);
  assert.equal(own.license, cargo.match(/^license = "(.*)"/m)[1]);
  assert.equal(own.dependencies, undefined, "the library has no dependency");
});

for (const [module, resolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
  test(`a program in TypeScript is checked against its types, ${resolution}`, async () => {
    const shop = join(work, "shop");
    await cp(fileURLToPath(new URL("consumer.ts", import.meta.url)), join(shop, "consumer.ts"));
    const options = ["--noEmit", "--strict", "--noUnusedLocals", "false", "--target", "es2022", "--lib", "es2023,dom", "--types", "",
      "--module", module, "--moduleResolution", resolution];
    const faults = await run(process.execPath, [TSC, ...options, "consumer.ts"], { cwd: shop }).then(() => "", (error) => error.stdout || String(error));
    assert.equal(faults, "");
  });
}

test("Node finds it by its name, and importing it does nothing yet", async () => {
  const program = 'const { Pollgate } = await import("pollgate-client"); console.log(typeof Pollgate);';
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: join(work, "shop") });
  assert.equal(stdout.trim(), "function");
});
