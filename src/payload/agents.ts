import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";

/** The connections of one fetch: its blocks share them, no other fetch does, and they end with it. */
export type Agents = { readonly http: HttpAgent; readonly https: HttpsAgent; readonly destroy: () => void };

export function createAgents(): Agents {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true });
  return {
    http,
    https,
    destroy: () => {
      http.destroy();
      https.destroy();
    },
  };
}
