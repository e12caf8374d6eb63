// Tells what holds a key's transactions up, and mends it if that is cheap: node mendNonce.ts [MOST]
import { clientFromEnvironment, formatOgpu, parseAmount } from "ogpu-confirmd";

const client = clientFromEnvironment(process.env);
const [most = "0.01 OGPU"] = process.argv.slice(2);

const { address, minedNonce, pendingCount, explanation } = await client.getNonceInfo();
console.log(`${address}: ${minedNonce} mined, ${pendingCount} waiting: ${explanation}`);

const { approved, sent, nextNonce } = await client.fixNonce({
  approve: ({ steps, cost }) => {
    for (const { nonce, what, action, why } of steps) console.log(`nonce ${nonce} (${what}): ${action}, ${why}`);
    return cost <= parseAmount(most);
  },
});

if (approved) console.log("mended", sent.map(({ nonce, hash }) => `${nonce} by ${hash}`).join(", "));
const cost = await client.planNonceFix();
console.log("the next nonce is", nextNonce, "and what is left to mend costs", formatOgpu(cost.cost));
