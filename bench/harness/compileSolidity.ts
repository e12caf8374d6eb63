import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Abi, Hex } from "viem";

type Output = {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<string, Record<string, { abi: Abi; evm: { deployedBytecode: { object: string } } }>>;
};

/** The code of a contract that has no constructor, as it stands at an address. @throws Error with the compiler's report. */
export async function compileSolidity(file: string): Promise<{ readonly abi: Abi; readonly code: Hex }> {
  const { default: solc } = await import("solc");
  const name = basename(file, ".sol");
  const input = {
    language: "Solidity",
    sources: { [name]: { content: readFileSync(file, "utf8") } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["abi", "evm.deployedBytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as Output;
  const contract = output.contracts?.[name]?.[name];
  if (contract === undefined) throw new Error(output.errors?.map((each) => each.formattedMessage).join("\n"));
  return { abi: contract.abi, code: `0x${contract.evm.deployedBytecode.object}` };
}
