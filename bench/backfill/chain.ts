import { join } from "node:path";
import { encodeFunctionData } from "viem";
import { type Anvil, startAnvil } from "../../devnet/anvil.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { type Deployment, deploymentOn, mainnet } from "../../src/protocol/chains.ts";
import { compileSolidity } from "../harness/compileSolidity.ts";
import { pinTo } from "../harness/pinTo.ts";

export const ourSource = `0x${"0a".repeat(20)}` as const;
/** What a chain of this many tasks holds, of which those of the last blocks are not finished. */
export const expected = (tasks: number, age: number) => ({
  events: 2 * tasks + 3 * (tasks - age) + 2 * (tasks - 2 * age),
  ourTasks: Math.ceil(tasks / 100),
  ourResponses: 2 * Math.ceil((tasks - age) / 100),
});
const sender = `0x${"5e".repeat(20)}` as const;

export const deployment = deploymentOn(mainnet.id) as Deployment;

/**
 * A real node whose Nexus has emitted the events of many tasks, so many new ones in a block.
 *
 * @param age Tasks that are published between a task and its answers, and again before it is finalised.
 */
export async function startLongChain(blocks: number, tasksPerBlock: number, age: number): Promise<Anvil> {
  const anvil = await startAnvil({ extraArgs: ["--disable-block-gas-limit", "--no-mining"] });
  try {
    const rpc = createJsonRpc({ url: anvil.httpUrl, timeoutMs: 60_000 });
    const { abi, code } = await compileSolidity(join(import.meta.dirname, "Spammer.sol"));
    await rpc.call("anvil_setCode", deployment.nexus, code);
    await rpc.call("anvil_setBalance", sender, `0x${(10n ** 24n).toString(16)}`);
    await rpc.call("anvil_impersonateAccount", sender);
    for (let block = 0; block < blocks; block++) {
      const from = BigInt(block * tasksPerBlock);
      const args = [from, from + BigInt(tasksPerBlock), BigInt(age), ourSource];
      const data = encodeFunctionData({ abi, functionName: "live", args });
      const gas = `0x${(16_000_000).toString(16)}`;
      await rpc.call("eth_sendTransaction", { from: sender, to: deployment.nexus, data, gas });
      await rpc.call("evm_mine");
    }
    pinTo(1, anvil.pid);
    return anvil;
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}
