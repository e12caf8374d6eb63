import type { Task } from "./protocol/entities.ts";
import { DeliveryMethod, isClosed, isTooLate, statusName, TaskStatus } from "./protocol/statuses.ts";

/**
 * Why the daemon has nothing to do for a task; `undefined` while it has.
 *
 * @param now Of the block that it was read in, unix seconds.
 */
export function whyNothingToDo(
  { deliveryMethod, status, expiryTime }: Pick<Task, "deliveryMethod" | "status" | "expiryTime">,
  now: number,
): { readonly state: "closed" | "ignored"; readonly reason: string } | undefined {
  if (deliveryMethod === DeliveryMethod.FIRST_RESPONSE) {
    return { state: "ignored", reason: "FIRST_RESPONSE: the chain confirms it itself" };
  }
  if (isClosed(status)) return { state: "closed", reason: statusName(TaskStatus, status) };
  if (isTooLate({ expiryTime }, now)) return { state: "closed", reason: "its expiry time has passed" };
  return undefined;
}
