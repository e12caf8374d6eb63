// Publishes a task, and pays the first answer that has a label: node publishAndConfirm.ts SOURCE
import { clientFromEnvironment, formatOgpu } from "ogpu-confirmd";

const client = clientFromEnvironment(process.env);
const [source = ""] = process.argv.slice(2);

const { task, blockNumber } = await client.publishTask({
  source,
  config: { function_name: "sentiment", data: { text: "I love this product!" } },
  expiryTime: new Date(Date.now() + 3_600_000),
  payment: "0.05 OGPU",
});
console.log("published", task);

for await (const { response } of client.watchResponseSubmitted({ task, fromBlock: blockNumber })) {
  const found = (await client.getTaskResponses(task)).find(({ address }) => address === response);
  const answer = await client.fetchJson(found?.data ?? "").catch((error: Error) => console.log(error.message));
  if (typeof answer !== "object" || answer === null || !("label" in answer)) continue;
  const { payment, hash } = await client.confirmResponse(response, { maxPayment: "0.05 OGPU" });
  console.log("paid", formatOgpu(payment), "for", answer.label, hash);
  break;
}
