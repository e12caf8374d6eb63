import { exitCodes } from "../errors.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { statusName, TaskStatus } from "../protocol/statuses.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { during } from "./progress.ts";
import { required } from "./readers.ts";
import { facts, json, onErrors, oneLine, table } from "./terminal.ts";
import { withClient } from "./withClient.ts";

/** Lists the responses of a task. @returns the exit code. */
export const responses = (context: Context, line: Line): Promise<number> =>
  withClient(context, line, async ({ client }) => {
    const address = required(line.args[0], "the task's address");
    const reading = Promise.all([client.getTask(address), client.getTaskResponses(address)]);
    const [task, found] = await during(context, "reading the chain", reading);
    const rows = found.map(({ address: response, provider, payment, confirmed, timestamp, data }) => ({
      response,
      provider,
      price: formatOgpu(payment),
      state: confirmed ? "CONFIRMED" : "SUBMITTED",
      submitted: new Date(timestamp * 1_000).toISOString(),
      data,
    }));
    const status = statusName(TaskStatus, task.status) + (task.isExpired ? ", its time is over" : "");
    const expires = new Date(task.expiryTime * 1_000).toISOString();
    if (line.options.json) {
      const { client: owner, source } = task;
      const about = { task: task.address, source, client: owner, pays: formatOgpu(task.payment), status, expires };
      context.stdout.write(json({ ...about, responses: rows }));
      return exitCodes.ok;
    }
    context.stderr.write(
      facts(onErrors(context), [
        ["task", task.address],
        ["status", status],
        ["pays up to", formatOgpu(task.payment)],
        ["expires", expires],
      ]),
    );
    if (rows.length === 0) context.stderr.write("nobody has answered yet\n");
    else
      context.stdout.write(
        table(
          context,
          ["RESPONSE", "PROVIDER", "PRICE", "STATE", "SUBMITTED", "DATA"],
          rows.map(({ response, provider, price, state, submitted, data }) => [
            ...[response, provider, price],
            state === "CONFIRMED" ? { text: state, style: "green" as const } : state,
            submitted,
            oneLine(data),
          ]),
        ),
      );
    return exitCodes.ok;
  });
