import type { Devnet } from "../../devnet/index.ts";
import { nexusAbi, responseAbi } from "../../src/protocol/abi.ts";
import type { ResponseAddress } from "../../src/protocol/brand.ts";
import { ResponseStatus, TaskStatus } from "../../src/protocol/statuses.ts";

/** How often each task was confirmed, by the chain's own events; keys are lower-case. */
export async function confirmationsOnChain({ publicClient, deployment }: Devnet): Promise<ReadonlyMap<string, number>> {
  const logs = await publicClient.getContractEvents({
    address: deployment.nexus,
    abi: nexusAbi,
    eventName: "TaskStatusChanged",
    fromBlock: 0n,
  });
  const counts = new Map<string, number>();
  for (const { args } of logs) {
    if (args.status !== TaskStatus.FINALIZED || !args.task) continue;
    const task = args.task.toLowerCase();
    counts.set(task, (counts.get(task) ?? 0) + 1);
  }
  return counts;
}

export const isConfirmed = async ({ publicClient }: Devnet, response: ResponseAddress): Promise<boolean> =>
  (await publicClient.readContract({ address: response, abi: responseAbi, functionName: "getStatus" })) ===
  ResponseStatus.CONFIRMED;
