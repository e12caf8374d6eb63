import { readFileSync } from "node:fs";
import { answer, childArgs } from "../harness/child.ts";
import { subscribedSocket } from "./subscribedSocket.ts";

/** The least that could do it: a message comes in, and a transaction that was signed before goes out. */
const [{ ws, file }] = childArgs<[{ ws: string; file: string }]>();
const raws = JSON.parse(readFileSync(file, "utf8")) as string[];
const socket = subscribedSocket(ws);
let sent = 0;
socket.onmessage = ({ data }) => {
  const { id, method, error } = JSON.parse(data);
  if (error) throw new Error(error.message);
  if (id === 0) answer({ ready: true });
  if (method !== "eth_subscription") return;
  sent++;
  socket.send(`{"jsonrpc":"2.0","id":${sent},"method":"eth_sendRawTransaction","params":["${raws[sent - 1]}"]}`);
};
