import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Abi, Hex } from "viem";

/** The contracts that have an interface of their own on the network. */
export const contractNames = [
  "Nexus",
  "Controller",
  "Terminal",
  "Vault",
  "Manager",
  "Source",
  "Task",
  "Response",
] as const;
export type ContractName = (typeof contractNames)[number];

export type Artifact = {
  readonly abi: Abi;
  /** Creation code; the constructor's arguments are appended to it. */
  readonly bytecode: Hex;
};
export type Artifacts = Readonly<Record<ContractName, Artifact>>;

type Sources = Readonly<Record<string, { readonly content: string }>>;
type SolcOutput = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>;
};

const contractsUrl = new URL("./contracts/", import.meta.url);
const cacheUrl = new URL("../node_modules/.cache/ogpu-confirmd/", import.meta.url);

const settings = {
  optimizer: { enabled: true, runs: 1 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

/**
 * Compiles the Solidity contracts of the devnet; the result is cached by the hash of the sources, the settings and the
 * compiler's version, so that only the first call after a change takes seconds.
 *
 * @throws Error with the compiler's own report if a contract does not compile.
 */
export async function compileContracts(): Promise<Artifacts> {
  const sources = await readSources();
  const cached = new URL(`contracts-${digestOf(sources)}.json`, cacheUrl);
  const hit = await readFile(cached, "utf8").catch(() => undefined);
  if (hit !== undefined) return JSON.parse(hit) as Artifacts;
  const artifacts = await compile(sources);
  await writeAtomically(cached, JSON.stringify(artifacts));
  return artifacts;
}

async function readSources(): Promise<Sources> {
  const names = (await readdir(contractsUrl)).filter((name) => name.endsWith(".sol")).sort();
  const entries = names.map(async (name) => [name, { content: await readFile(new URL(name, contractsUrl), "utf8") }]);
  return Object.fromEntries(await Promise.all(entries));
}

function digestOf(sources: Sources): string {
  const { version } = createRequire(import.meta.url)("solc/package.json") as { version: string };
  return createHash("sha256")
    .update(JSON.stringify([version, settings, sources]))
    .digest("hex")
    .slice(0, 32);
}

async function compile(sources: Sources): Promise<Artifacts> {
  // The compiler is 9 MB of WebAssembly: it is loaded only when the cache misses.
  const { default: solc } = await import("solc");
  const input = JSON.stringify({ language: "Solidity", sources, settings });
  const output = JSON.parse(solc.compile(input)) as SolcOutput;
  const errors = output.errors?.filter((error) => error.severity === "error") ?? [];
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  return Object.fromEntries(
    contractNames.map((name) => {
      const contract = output.contracts[`${name}.sol`]?.[name];
      if (!contract) throw new Error(`the compiler returned no contract named ${name}`);
      return [name, { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }];
    }),
  ) as Artifacts;
}

/** Several test files may compile at once: a reader sees a whole file or none. */
async function writeAtomically(target: URL, text: string): Promise<void> {
  await mkdir(cacheUrl, { recursive: true });
  const draft = new URL(`${randomUUID()}.tmp`, cacheUrl);
  await writeFile(draft, text);
  await rename(draft, target);
}
