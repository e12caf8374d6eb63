import { type Abi, type AbiParameter, parseAbi } from "viem";
import { describe, expect, test } from "vitest";
import { type ContractName, compileContracts, contractNames } from "../../../devnet/compile.ts";
import {
  controllerAbi,
  managerAbi,
  nexusAbi,
  responseAbi,
  sourceAbi,
  taskAbi,
  terminalAbi,
  vaultAbi,
} from "../../../src/protocol/abi.ts";

const published: Record<ContractName, Abi> = {
  Nexus: nexusAbi,
  Controller: controllerAbi,
  Terminal: terminalAbi,
  Vault: vaultAbi,
  Manager: managerAbi,
  Source: sourceAbi,
  Task: taskAbi,
  Response: responseAbi,
};

type Parameter = AbiParameter & { readonly indexed?: boolean; readonly components?: readonly AbiParameter[] };

function parameter({ type, name, indexed, components }: Parameter): string {
  const inner = components ? `(${components.map(parameter).join(", ")})` : "";
  return [type + inner, indexed ? "indexed" : "", name ?? ""].filter(Boolean).join(" ");
}

const list = (parameters: readonly AbiParameter[]) => `(${parameters.map(parameter).join(", ")})`;

/** One line for each item, with everything that a caller can see: names, types, mutability, what is indexed. */
const signatures = (abi: Abi): string[] =>
  abi
    .flatMap((item) => {
      if (item.type === "function") {
        return `function ${item.name}${list(item.inputs)} ${item.stateMutability} returns ${list(item.outputs)}`;
      }
      return item.type === "event" || item.type === "error" ? `${item.type} ${item.name}${list(item.inputs)}` : [];
    })
    .sort();

describe("the devnet's contracts", () => {
  test.each(contractNames)("%s has the network's interface, no more and no less", async (name) => {
    const artifacts = await compileContracts();
    expect(signatures(artifacts[name].abi)).toEqual(signatures(published[name]));
  });

  test.each([
    ["a parameter's name", "function f(address task) view returns (bool)", "function f(address t) view returns (bool)"],
    ["a type", "event E(address task, uint8 status)", "event E(address task, uint256 status)"],
    ["an indexed field", "event E(address task)", "event E(address indexed task)"],
    ["mutability", "function f() view", "function f() payable"],
    ["a returned value", "function f() view returns (bool)", "function f() view"],
    ["a field of a struct", "error E((uint8 a, bool b) p)", "error E((uint8 a, bool c) p)"],
  ])("are compared closely enough to notice a change of %s", (_, before, after) => {
    expect(signatures(parseAbi([before]))).not.toEqual(signatures(parseAbi([after])));
  });

  test("a second compilation comes from the cache", async () => {
    const first = await compileContracts();
    expect(await compileContracts()).toEqual(first);
  });
});
