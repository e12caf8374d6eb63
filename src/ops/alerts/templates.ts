import type { Notice } from "./alert.ts";

export const webhookFormats = ["generic", "slack", "discord", "telegram"] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

type Sender = {
  /** Which daemon speaks, e.g. `mainnet`. */
  readonly network: string;
  readonly host: string;
  /** Telegram's chat. */
  readonly chat: string;
};

/** What such a webhook takes; each of them cuts longer texts, or refuses them. */
const longest = { slack: 2_900, discord: 1_900, telegram: 4_000 } as const;
const marks = { critical: "🔴", warning: "🟠", info: "🔵" } as const;

/** The body of the request, as plain JSON. */
export function webhookBody(format: WebhookFormat, notice: Notice, sender: Sender): Record<string, unknown> {
  switch (format) {
    case "generic":
      return {
        source: "ogpu-confirmd",
        network: sender.network,
        host: sender.host,
        key: notice.key,
        state: notice.state,
        severity: notice.severity,
        title: notice.title,
        text: notice.text,
        since: new Date(notice.since).toISOString(),
        repeats: notice.repeats,
      };
    case "slack":
      return { text: escapeSlack(plainText(notice, sender)).slice(0, longest.slack) };
    case "discord":
      // Nobody is pinged, whatever the text holds.
      return { content: plainText(notice, sender).slice(0, longest.discord), allowed_mentions: { parse: [] } };
    case "telegram":
      return {
        chat_id: sender.chat,
        text: plainText(notice, sender).slice(0, longest.telegram),
        disable_web_page_preview: true,
      };
    default:
      return format satisfies never;
  }
}

function plainText({ state, severity, title, text, since, repeats }: Notice, { network, host }: Sender): string {
  const mark = state === "resolved" ? "✅ resolved:" : marks[severity];
  const again = repeats > 0 ? ` (${repeats} more since the last notice)` : "";
  const from = `ogpu-confirmd, ${network} on ${host}, since ${new Date(since).toISOString()}`;
  return `${mark} ${title}${again}\n${text}\n${from}`;
}

/** https://api.slack.com/reference/surfaces/formatting: these three control links and mentions. */
const escapeSlack = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
