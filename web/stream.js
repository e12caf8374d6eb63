/** @import { Status } from "../src/ops/board/statusView.ts" */
/** @import { DatedEntry } from "../src/ops/board/createBoard.ts" */

/**
 * @typedef {object} Listener
 * @property {(entries: readonly DatedEntry[]) => void} begin The newest entries, in the place of what was shown.
 * @property {(entries: readonly DatedEntry[], skipped: number) => void} entries
 * @property {(status: Status) => void} status
 * @property {(connected: boolean) => void} connection
 */

/** Without a word for so long the stream is opened anew, ms: the status comes every second. */
const silenceMs = 10_000;

/**
 * Follows the daemon, for ever: a stream that ends or falls silent is opened again.
 *
 * @param {Listener} listener
 */
export function follow(listener) {
  let heardAt = performance.now();
  /** @type {EventSource} */
  let source;
  const open = () => {
    source = new EventSource("/api/events");
    heardAt = performance.now();
    source.addEventListener("hello", ({ data }) => {
      const { entries, status } = JSON.parse(data);
      heardAt = performance.now();
      listener.connection(true);
      listener.begin(entries);
      if (status !== null) listener.status(status);
    });
    source.addEventListener("entries", ({ data }) => {
      const { entries, skipped } = JSON.parse(data);
      listener.entries(entries, skipped);
    });
    source.addEventListener("status", ({ data }) => {
      heardAt = performance.now();
      const status = JSON.parse(data);
      if (status !== null) listener.status(status);
    });
    source.addEventListener("error", () => listener.connection(false));
  };
  open();
  setInterval(() => {
    if (performance.now() - heardAt < silenceMs && source.readyState !== EventSource.CLOSED) return;
    listener.connection(false);
    source.close();
    open();
  }, 2_000);
}
