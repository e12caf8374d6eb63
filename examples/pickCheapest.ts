// Shows what providers ask for a task, and pays the cheapest if you say so: node pickCheapest.ts TASK
import { createInterface } from "node:readline/promises";
import { clientFromEnvironment, formatOgpu } from "ogpu-confirmd";

const client = clientFromEnvironment(process.env);
const [task = ""] = process.argv.slice(2);

const responses = (await client.getTaskResponses(task)).toSorted((a, b) => Number(a.payment - b.payment));
for (const { provider, payment, data } of responses) {
  const answer = await client.fetchJson(data).catch((error: Error) => error.message);
  console.log(provider, formatOgpu(payment), JSON.stringify(answer).slice(0, 200));
}

const [cheapest] = responses;
if (!cheapest) throw new Error("nobody has answered yet");
const terminal = createInterface({ input: process.stdin, output: process.stdout });
const answer = await terminal.question(`Pay ${formatOgpu(cheapest.payment)} to ${cheapest.provider}? [y/N] `);
terminal.close();
if (answer !== "y") process.exit(1);
const { hash } = await client.confirmResponse(cheapest.address, { expected: cheapest });
console.log("paid", hash);
