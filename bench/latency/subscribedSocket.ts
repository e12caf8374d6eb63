import { eventTopics } from "../../src/protocol/events.ts";

/** A socket that asks for every response's event as soon as it is open; the node's answer has the ID 0. */
export function subscribedSocket(ws: string): WebSocket {
  const socket = new WebSocket(ws);
  const params = ["logs", { topics: [eventTopics.ResponseSubmitted] }];
  socket.onopen = () => socket.send(JSON.stringify({ id: 0, jsonrpc: "2.0", method: "eth_subscribe", params }));
  return socket;
}
