import {
  type Abi,
  type Address,
  encodeDeployData,
  encodeFunctionData,
  type Hex,
  keccak256,
  parseEther,
  toHex,
} from "viem";
import { controllerAbi, managerAbi, nexusAbi, terminalAbi, vaultAbi } from "../src/protocol/abi.ts";
import type { Artifact, Artifacts } from "./compile.ts";
import { type Network, setBalance, testNode } from "./network.ts";
import { awaitReceipt } from "./receipt.ts";

export type DeployOptions = {
  /** Owns the contracts, administers the roles and judges. */
  readonly owner: Address;
  /** Wei that a provider must have locked. @default 1 OGPU */
  readonly minLockupPerSource?: bigint;
  /** Seconds. @default 60 */
  readonly unbondingPeriod?: number;
};

/** The Manager's address is not part of the daemon's deployment record: it can be anywhere. */
const managerAddress: Address = `0x${keccak256(toHex("ogpu-devnet/manager")).slice(-40)}`;

const role = (name: string): Hex => keccak256(toHex(name));

/**
 * Deploys the contracts at the addresses of `network.deployment`, wires them, and returns the Manager's address.
 * The node must be anvil: no key opens those addresses.
 */
export async function deployContracts(
  network: Network,
  artifacts: Artifacts,
  options: DeployOptions,
): Promise<Address> {
  const { owner, minLockupPerSource = parseEther("1"), unbondingPeriod = 60 } = options;
  const { nexus, controller, terminal, vault } = network.deployment;
  const manager = managerAddress;
  await setBalance(network, owner, parseEther("1000000"));
  await testNode(network, "anvil_impersonateAccount", [owner]);
  // One after the other: anvil hands out an impersonated account's nonces, and overlapping calls can get the same one.
  await constructAt(network, owner, manager, artifacts.Manager, [owner]);
  await constructAt(network, owner, nexus, artifacts.Nexus, [owner]);
  await constructAt(network, owner, controller, artifacts.Controller, [owner]);
  await constructAt(network, owner, terminal, artifacts.Terminal, [owner]);
  await constructAt(network, owner, vault, artifacts.Vault, [manager, nexus]);
  const grant = (name: string, account: Address) =>
    [manager, encodeFunctionData({ abi: managerAbi, functionName: "grantRole", args: [role(name), account] })] as const;
  const wiring: readonly (readonly [Address, Hex])[] = [
    grant("CONTROLLER", controller),
    grant("TERMINAL", terminal),
    grant("JUDGE", owner),
    [nexus, encodeFunctionData({ abi: nexusAbi, functionName: "setManager", args: [manager] })],
    [nexus, encodeFunctionData({ abi: nexusAbi, functionName: "setTerminal", args: [terminal] })],
    [nexus, encodeFunctionData({ abi: nexusAbi, functionName: "setVault", args: [vault] })],
    [controller, encodeFunctionData({ abi: controllerAbi, functionName: "setNexus", args: [nexus] })],
    [controller, encodeFunctionData({ abi: controllerAbi, functionName: "setTerminal", args: [terminal] })],
    [controller, encodeFunctionData({ abi: controllerAbi, functionName: "setVault", args: [vault] })],
    [terminal, encodeFunctionData({ abi: terminalAbi, functionName: "setManager", args: [manager] })],
    [terminal, encodeFunctionData({ abi: terminalAbi, functionName: "setVault", args: [vault] })],
    [vault, encodeFunctionData({ abi: vaultAbi, functionName: "setTerminal", args: [terminal] })],
    [vault, encodeFunctionData({ abi: vaultAbi, functionName: "setMinLockupPerSource", args: [minLockupPerSource] })],
    [
      vault,
      encodeFunctionData({ abi: vaultAbi, functionName: "setMaxUnbondingPeriod", args: [BigInt(unbondingPeriod)] }),
    ],
  ];
  for (const [to, data] of wiring) await sendAs(network, owner, to, data);
  await testNode(network, "anvil_stopImpersonatingAccount", [owner]);
  return manager;
}

/**
 * Runs a constructor at an address of our choice: put the creation code there, send it a transaction (the constructor then
 * writes the storage of that very address), and put the code that it returns in its place.
 */
async function constructAt(network: Network, from: Address, at: Address, artifact: Artifact, args: readonly unknown[]) {
  const creation = encodeDeployData({ abi: artifact.abi as Abi, bytecode: artifact.bytecode, args });
  await testNode(network, "anvil_setCode", [at, creation]);
  const runtime = await testNode(network, "eth_call", [{ from, to: at }, "latest"]);
  await sendAs(network, from, at, "0x");
  await testNode(network, "anvil_setCode", [at, runtime]);
}

async function sendAs(network: Network, from: Address, to: Address, data: Hex): Promise<void> {
  const gas = toHex(10_000_000n);
  const hash = (await testNode(network, "eth_sendTransaction", [{ from, to, data, gas }])) as Hex;
  // With a block time, nobody should wait for it during the bring-up.
  await testNode(network, "evm_mine");
  const receipt = await awaitReceipt(network, hash);
  if (receipt.status !== "success") throw new Error(`the deployment's transaction ${hash} to ${to} reverted`);
}
