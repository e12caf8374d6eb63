import { createPublicClient, createWalletClient, defineChain, type Hex, webSocket } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { controllerAbi, nexusAbi } from "../../src/protocol/abi.ts";
import { deploymentOn, mainnet } from "../../src/protocol/chains.ts";
import { answer, childArgs } from "../harness/child.ts";

/** The script that a user would write: watch for responses, confirm each. It judges nothing and remembers nothing. */
const [{ ws, chainId, privateKey }] = childArgs<[{ ws: string; chainId: number; privateKey: Hex }]>();
const deployment = deploymentOn(chainId);
if (deployment === undefined) throw new TypeError(`chain ${chainId} has no deployment`);
const chain = defineChain({ ...mainnet, id: chainId });
const transport = webSocket(ws);
const client = createPublicClient({ chain, transport });
const wallet = createWalletClient({ chain, transport, account: privateKeyToAccount(privateKey) });
client.watchContractEvent({
  address: deployment.nexus,
  abi: nexusAbi,
  eventName: "ResponseSubmitted",
  onLogs: async (logs) => {
    for (const { args } of logs) {
      await wallet.writeContract({
        address: deployment.controller,
        abi: controllerAbi,
        functionName: "confirmResponse",
        args: [args.response as Hex],
      });
    }
  },
});
// It tells nobody when its subscription stands.
await client.getBlockNumber();
setTimeout(() => answer({ ready: true }), 500);
