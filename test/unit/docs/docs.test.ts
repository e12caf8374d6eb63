import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, matchesGlob } from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../../../src/cli/commands.ts";
import { settings } from "../../../src/config/schema.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const documents = [...globSync("docs/*.md", { cwd: root }), "README.md", "CONTRIBUTING.md", "SECURITY.md"];

const anchorOf = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");

describe("the documents", () => {
  it("list every error code of the sources, and no other", () => {
    const codes = new Set<string>();
    for (const file of globSync("src/**/*.ts", { cwd: root }))
      for (const line of read(file).split("\n"))
        if (/\bcode(:| \?\?)/.test(line) && !/readonly|=== /.test(line.replace(/status === \w+\.\w+/g, "")))
          for (const [, code = ""] of line.matchAll(/"([A-Z][A-Z0-9_]{3,})"/g)) codes.add(code);
    const listed = [...read("docs/errors.md").matchAll(/^\| `([A-Z0-9_]+)` \| (\w+) \| (.+) \| (.+) \|$/gm)].map(
      ([, code = ""]) => code,
    );
    expect(listed).toEqual([...codes].sort());
    expect(codes.size).toBeGreaterThan(60);
  });

  it("call fatal what ends the daemon as a FatalError, and nothing else", () => {
    const sources = globSync("src/**/*.ts", { cwd: root }).map(read);
    const codesOf = (made: RegExp) =>
      new Set(sources.flatMap((source) => [...source.matchAll(made)].map(([, code = ""]) => code)));
    const fatal = codesOf(/(?:new|extends) FatalError\b.*?code: "([A-Z_]+)"/gs);
    // Beside these, some tell an operator's mistake.
    const correctable = codesOf(/new ConfigError\b.*?code: "([A-Z_]+)"/gs);
    const listed = [...read("docs/errors.md").matchAll(/^\| `(\w+)` \| fatal /gm)].map(([, code = ""]) => code);
    expect(listed).toEqual([...fatal].filter((code) => !correctable.has(code)).sort());
  });

  it.each(documents)("lead where they say: %s", (document) => {
    const broken = [...read(document).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(
      ([, path = "", anchor]) => {
        const target = path === "" ? join(root, document) : join(root, dirname(document), path);
        if (!existsSync(target)) return true;
        if (anchor === undefined) return false;
        const titles = [...readFileSync(target, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
          anchorOf(title),
        );
        return !titles.includes(anchor);
      },
    );
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it("name no key of the configuration that there is not, and no command", () => {
    const keys = settings().map(({ key }) => key);
    const groups = new Set(keys.map((key) => key.split(".")[0]));
    const names = new Set(commands.map(({ name }) => name));
    const unknown: string[] = [];
    for (const document of documents) {
      for (const [, key = "", group = ""] of read(document).matchAll(/`((\w+)\.\w+)(?:: [^`]*)?`/g))
        if (groups.has(group) && !keys.includes(key) && !key.endsWith(".sqlite")) unknown.push(`${document}: ${key}`);
      for (const [, command = ""] of read(document).matchAll(/(?:`|^|\/)ogpu-confirmd ([a-z]+)(?=[ `\n])/gm))
        if (!names.has(command)) unknown.push(`${document}: ogpu-confirmd ${command}`);
    }
    expect(unknown).toEqual([]);
  });

  it("are in the package where something in the package names them", () => {
    const entries: readonly string[] = [...JSON.parse(read("package.json")).files, "README.md"];
    const isShipped = (path: string) =>
      entries.some((entry) => path === entry || path.startsWith(`${entry}/`) || matchesGlob(path, entry));
    // What is in dist/ comes from src/.
    const places = entries.map((entry) => (entry === "dist" ? "src" : entry));
    const files = places.flatMap((place) =>
      globSync([place, `${place}/**/*`], { cwd: root }).filter((path) => /\.\w+$/.test(path)),
    );
    const missing = files.flatMap((file) => {
      const text = read(file);
      const named = [...text.matchAll(/\b(?:docs|dashboards)\/[\w-]+\.(?:md|yaml|json)\b/g)].map(([path]) => path);
      const links = [...(file.endsWith(".md") ? text.matchAll(/\]\((?!https?:)([^)#\s]+\.md)/g) : [])].map(
        ([, path = ""]) => join(dirname(file), path),
      );
      // How we work is for those who have the sources.
      const wanted = [...named, ...links].filter((path) => path !== "CONTRIBUTING.md" && !isShipped(path));
      return wanted.map((path) => `${file}: ${path}`);
    });
    expect(missing).toEqual([]);
    expect(files).toContain("systemd/ogpu-confirmd.service");
    expect(files).toContain("dashboards/alerts.yaml");
  });

  it("give pause and resume the daemon's configuration, and the emergency signal an option that every systemctl knows", () => {
    const operators = ["docs/runbook.md", "docs/guardrails.md", "docs/quick-start.md", "docs/container.md"];
    const found = (pattern: RegExp, paths = operators) => paths.flatMap((path) => read(path).match(pattern) ?? []);
    const lines = found(/(?:ogpu-confirmd|main\.js) (?:pause|resume) --[^`\n]*/g);
    expect(lines.length).toBeGreaterThan(8);
    expect(lines.filter((line) => !line.includes("--config"))).toEqual([]);
    // Before systemd 252 it is --kill-who, and later ones take that for --kill-whom.
    const kills = found(/--kill-\w+/g, [...operators, "systemd/ogpu-confirmd.service"]);
    expect(kills.length).toBeGreaterThan(3);
    expect(kills.filter((option) => option !== "--kill-who")).toEqual([]);
  });
});
