import { session } from "./session.js";

/** What the daemon answered when it refused. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export const read = (path) => call(path, {});

/**
 * Changes something, with the token of this tab.
 *
 * @param {string} path
 * @param {Record<string, string>} body
 * @returns {Promise<any>}
 */
export const change = (path, body) =>
  call(path, {
    method: "POST",
    headers: { authorization: `Bearer ${session.token()}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function call(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Refusal("the daemon does not answer", 0);
  }
  const text = await response.text();
  if (response.ok) return text === "" ? null : JSON.parse(text);
  throw new Refusal(messageIn(text, response.status), response.status);
}

/**
 * @param {string} text
 * @param {number} status
 */
function messageIn(text, status) {
  if (status === 429) return "too many changes in a minute: wait a little";
  try {
    const { error, message } = JSON.parse(text);
    return String(error ?? message);
  } catch {
    return `the daemon answered ${status}`;
  }
}
