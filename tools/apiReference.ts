import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Declaration, readDeclarations } from "./declarations.ts";

const root = join(import.meta.dirname, "..");

const preface = `# API reference

Every export of the library, from the docstrings in \`src/client\` (\`npm run docs\` writes this file). How it hangs together,
and what it guarantees, is told in [client.md](client.md).
`;

const headings = { function: "Functions", class: "Errors", value: "Values", type: "Types" } as const;

/** The reference as Markdown, out of what the compiler emits for `src/client/index.ts`. */
export function apiReference(): string {
  const folder = mkdtempSync(join(tmpdir(), "declarations-"));
  try {
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const emit = ["-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", folder];
    execFileSync(process.execPath, [compiler, ...emit], { cwd: root, stdio: "inherit" });
    const all = exportsOf(join(folder, "client/index.d.ts"));
    const kinds = Object.keys(headings) as (keyof typeof headings)[];
    return `${[preface, ...kinds.map((kind) => section(kind, all))].join("\n")}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What an index file passes on, from the files that declare it. */
function exportsOf(index: string): readonly Declaration[] {
  const text = readFileSync(index, "utf8");
  return [...text.matchAll(/export (?:type )?\{([^}]*)\} from "(.+?)\.(?:ts|js)"/g)].flatMap(
    ([, names = "", from = ""]) => {
      const declared = readDeclarations(readFileSync(join(dirname(index), `${from}.d.ts`), "utf8"));
      const list = names.split(",").map((each) => each.replace(/\btype\b/, "").trim());
      return list.filter(Boolean).map((name) => {
        const found = declared.find((declaration) => declaration.name === name);
        if (!found) throw new Error(`${from} declares no ${name}`);
        return found;
      });
    },
  );
}

function section(kind: Declaration["kind"], all: readonly Declaration[]): string {
  const own = all.filter((each) => each.kind === kind).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return `## ${headings[kind]}\n\n${own.map(entry).join("\n")}`;
}

function entry({ name, text, tags, example, signature }: Declaration): string {
  const code = (body: string) => `\`\`\`ts\n${body}\n\`\`\``;
  const parts = [
    `### ${name}`,
    text,
    code(signature),
    tags.map(([tag, said]) => `- **${tag}** ${said}`).join("\n"),
    example === "" ? "" : code(example),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
