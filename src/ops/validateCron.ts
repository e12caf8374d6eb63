import { validateDetailed } from "node-cron";

/** What is wrong with a cron expression, or `undefined`. */
export function validateCron(expression: string): string | undefined {
  const { valid, errors } = validateDetailed(expression);
  return valid ? undefined : (errors[0]?.message ?? "not a cron expression");
}
