import type { Context } from "./context.ts";

/** Milliseconds that work may take in silence. */
const silence = 1_000;

/**
 * Tells what is being waited for, once it takes longer than a second; on a terminal with the seconds that went by. It goes
 * where errors go, so that output stays clean.
 */
export async function during<T>({ stderr, errorsOnTTY = false }: Context, what: string, work: Promise<T>): Promise<T> {
  let seconds = 0;
  const tick = () => {
    seconds += 1;
    if (errorsOnTTY) stderr.write(`\r${what} … ${seconds} s`);
    else if (seconds === 1) stderr.write(`${what} …\n`);
  };
  const timer = setInterval(tick, silence);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (errorsOnTTY && seconds > 0) stderr.write("\r\u001b[K");
  }
}
