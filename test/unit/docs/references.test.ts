import { globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { migrations } from "../../../src/journal/migrations.ts";
import { postgresMigrations } from "../../../src/journal/postgres/postgresMigrations.ts";
import { operatorRoutes } from "../../../src/ops/http/operatorRoutes.ts";
import { probeRoutes } from "../../../src/ops/http/probeRoutes.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const firstCells = (text: string) => [...text.matchAll(/^\| (`.+?) \|/gm)].map(([, cell = ""]) => cell);
const wordsIn = (cells: readonly string[]) =>
  cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word));

it("docs/http.md lists every route that the daemon serves, and no other", async () => {
  const server = fastify();
  const routes = new Set<string>();
  server.addHook("onRoute", ({ method, url }) => {
    // The page's files are under their own names, which nobody has to know.
    if (/\.\w+$/.test(url)) return;
    for (const each of [method].flat()) if (each !== "HEAD") routes.add(`${each} ${url}`);
  });
  const parts = { parts: () => undefined } as never;
  probeRoutes(server, parts);
  await operatorRoutes(server, parts);
  await server.close();
  expect(wordsIn(firstCells(read("docs/http.md"))).sort()).toEqual([...routes].sort());
  expect(routes.size).toBeGreaterThan(10);
});

it("docs/journal.md lists every table that the migrations make, and no other", () => {
  const database = new DatabaseSync(":memory:");
  for (const migration of migrations) database.exec(migration);
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
  const names = tables.all().map(({ name }) => String(name));
  database.close();
  const ofPostgres = postgresMigrations.flatMap(({ sql }) =>
    [...sql.matchAll(/CREATE TABLE (\w+)/g)].map(([, name = ""]) => name),
  );
  const dropped = postgresMigrations.flatMap(({ sql }) =>
    [...sql.matchAll(/DROP TABLE (\w+)/g)].map(([, name]) => name),
  );
  const onlyThere = ofPostgres.filter((name) => !names.includes(name) && !dropped.includes(name));
  expect(wordsIn(firstCells(read("docs/journal.md"))).sort()).toEqual([...names, ...onlyThere].sort());
  expect(onlyThere).toEqual(["holder"]);
});

describe("docs/architecture.md", () => {
  const named = wordsIn(firstCells(read("docs/architecture.md"))).map((name) => name.replace(/\/$/, ""));
  const ignored = read(".gitignore").split("\n");
  const folders = (path: string) =>
    readdirSync(join(root, path), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !ignored.includes(`${entry.name}/`))
      .map(({ name }) => name);

  it("has a row for every folder, and for every file that stands in none of the rooms", () => {
    const rooms = [...folders("."), ...folders("src").map((name) => `src/${name}`)].filter((name) => name !== "src");
    expect(rooms.filter((name) => !named.includes(name))).toEqual([]);
    const files = globSync("src/*.ts", { cwd: root }).map((path) => path.replace("src/", ""));
    expect(files.filter((name) => !named.includes(name) && !named.includes(`src/${name}`))).toEqual([]);
  });

  it("names every kind of test", () => {
    for (const kind of folders("test")) expect(read("docs/architecture.md")).toContain(`\`${kind}/\``);
  });
});

it("nobody is told to install the demo's chain on a machine that pays", () => {
  const places = ["README.md", "systemd/install.sh", ...globSync(["docs/*.md", "src/**/*.ts"], { cwd: root })];
  const lines = places.flatMap((path) => read(path).match(/npm install [^\n`]*\bogpu-confirmd\b/g) ?? []);
  expect(lines.length).toBeGreaterThan(4);
  expect(lines.filter((line) => !line.includes(" --omit=optional "))).toEqual([]);
});

it("the changelog, the upgrade notes and the package agree on which versions there are", () => {
  const released = [...read("CHANGELOG.md").matchAll(/^## \[?(\d+\.\d+\.\d+)/gm)].map(([, version]) => version);
  const { version } = JSON.parse(read("package.json"));
  const spokenOf = [...read("docs/upgrading.md").matchAll(/^## .*?(\d+\.\d+\.\d+)/gm)].map(([, named]) => named);
  expect(spokenOf.filter((named) => named !== version && !released.includes(named))).toEqual([]);
  // A version that is not released yet is the one that the package has, and the changelog says so.
  const next = /will become (\d+\.\d+\.\d+)/.exec(read("CHANGELOG.md"))?.[1];
  if (!released.includes(version)) expect(next).toBe(version);
});
