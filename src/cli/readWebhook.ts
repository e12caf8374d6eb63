import { join } from "node:path";
import type { Environment } from "../config/layer.ts";
import type { Config } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";
import { isLoopback } from "../signer/remote/isLoopback.ts";
import { requireText, secretFiles } from "../signer/secretFiles.ts";

type WebhookSecret = { readonly url: string | undefined; readonly warnings: readonly string[] };

/** The webhook's URL, out of the file that holds it. @throws ConfigError `KEY_UNREADABLE` or `WEBHOOK_INVALID`. */
export function readWebhook({ webhookFile, format, chat }: Config["alerts"], env: Environment): WebhookSecret {
  const files = secretFiles();
  const credential = env.CREDENTIALS_DIRECTORY && join(env.CREDENTIALS_DIRECTORY, "alert-webhook");
  const text =
    webhookFile !== undefined
      ? requireText(files, webhookFile, "webhook's file", "alerts.webhookFile")
      : credential && files.read(credential);
  if (text === undefined || (text === "" && webhookFile === undefined)) return { url: undefined, warnings: [] };
  const url = URL.parse(text.trim());
  const place = webhookFile ?? "alert-webhook";
  if (url === null || !["https:", "http:"].includes(url.protocol))
    throw new ConfigError(`the file ${place} holds no URL of a webhook`, {
      code: "WEBHOOK_INVALID",
      remedy: "write one line that begins with https://",
    });
  if (format === "telegram" && chat === undefined)
    throw new ConfigError("Telegram needs to know the chat", {
      code: "WEBHOOK_INVALID",
      remedy: "set alerts.chat to the chat's number or @name",
    });
  return {
    url: url.href,
    warnings: [
      ...(webhookFile === undefined ? [] : files.modeWarnings(webhookFile, "webhook's file")),
      ...(url.protocol === "http:" && !isLoopback(url.hostname)
        ? [`alerts go to ${url.host} unencrypted: use https`]
        : []),
    ],
  };
}
