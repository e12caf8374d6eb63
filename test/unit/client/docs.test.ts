import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as library from "../../../src/index.ts";
import { apiReference } from "../../../tools/apiReference.ts";
import { readDeclarations } from "../../../tools/declarations.ts";

const root = join(import.meta.dirname, "../../..");
const guide = readFileSync(join(root, "docs/client.md"), "utf8");

/** Every function and type of the Python library. */
const ofPython = [
  ...["publish_source", "publish_task", "get_task_responses", "get_confirmed_response", "confirm_response"],
  ...["set_chain", "get_current_chain", "get_contract_address", "get_all_supported_chains", "ChainId"],
  ...["fix_nonce", "get_nonce_info", "reset_nonce_cache", "clear_all_nonce_caches"],
  ...["ImageEnvironments", "DeliveryMethod", "SourceInfo", "TaskInput", "TaskInfo", "Response", "ConfirmedResponse"],
];

describe("docs/api.md", () => {
  it("is what the docstrings say (npm run docs writes it)", async () => {
    await expect(apiReference()).toMatchFileSnapshot(join(root, "docs/api.md"));
  });

  it("has a sentence for every function, what it throws, and an example", () => {
    const functions =
      readFileSync(join(root, "docs/api.md"), "utf8").split("## Errors")[0]?.split("\n### ").slice(1) ?? [];
    expect(functions.length).toBeGreaterThan(25);
    const bare = functions.filter((text) => !/^\w+\n\n\S/.test(text) || /^\w+\n\n```/.test(text));
    expect(bare).toEqual([]);
  });
});

describe("docs/client.md", () => {
  const rows =
    guide
      .split("## From Python to TypeScript")[1]
      ?.split("\n")
      .filter((line) => line.startsWith("| `")) ?? [];

  it("has a row for each function and type of the Python library, and no empty cell", () => {
    for (const name of ofPython) expect(rows.filter((row) => row.split("|")[1]?.includes(name))).not.toEqual([]);
    for (const row of rows) for (const cell of row.split("|").slice(1, -1)) expect(cell.trim()).not.toBe("");
  });

  it("names nothing that does not exist", () => {
    const client = library.createClient({ chain: library.ChainId.OGPU_MAINNET });
    const text = rows.map((row) => row.split("|")[2]).join("\n") + (guide.split("Beyond Python's:")[1] ?? "");
    const methods = [...text.matchAll(/client\.(\w+)/g)].map(([, name = ""]) => name);
    expect(methods.filter((name) => !(name in client))).toEqual([]);
    const beyond = [...(guide.split("Beyond Python's:")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
    expect(beyond.filter((name) => !(name in library))).toEqual([]);
  });

  it("lists every code that the library raises", async () => {
    const { globSync } = await import("node:fs");
    const files = globSync("src/client/**/*.ts", { cwd: root }).map((file) => readFileSync(join(root, file), "utf8"));
    const used = new Set(
      files.flatMap((text) =>
        [...text.matchAll(/(?:code: |^ {2}\w+: \[)[^"\n]*"([A-Z_]{4,})"(?: : "([A-Z_]{4,})")?/gm)].flatMap(
          ([, one, two]) => [one, two],
        ),
      ),
    );
    used.delete(undefined);
    expect(used.size).toBeGreaterThan(30);
    const silent = [...used].filter(
      (code) => !guide.includes(`\`${code}\``) && !["NODE_BEHIND", "RECEIPT_MISSING"].includes(code ?? ""),
    );
    expect(silent).toEqual([]);
  });
});

it("reads names, docstrings and signatures out of a declaration file", () => {
  const source = `/** Adds.\n * More.\n * @param a one\n * @throws Never.\n * @example\n * add(1, { b: 2 });\n */\nexport declare function add(a: number, o: {\n    b: number;\n}): number;\nexport type T = { readonly a: "x;" };\n/** Bad. */\nexport declare class E extends Error {\n    readonly c: number;\n}\nexport declare const f: (a: string) => void;\n`;
  expect(readDeclarations(source)).toMatchObject([
    {
      name: "add",
      kind: "function",
      text: "Adds.\nMore.",
      example: "add(1, { b: 2 });",
      tags: [
        ["param", "a one"],
        ["throws", "Never."],
      ],
    },
    { name: "T", kind: "type", signature: 'type T = { readonly a: "x;" };' },
    { name: "E", kind: "class", text: "Bad." },
    { name: "f", kind: "function", signature: "const f: (a: string) => void;" },
  ]);
});
