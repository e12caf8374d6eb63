import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
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
});
