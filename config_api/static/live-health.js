// How everything is, in words.

import { byId, counted, element, moment, span } from "./live-words.js";

export function showHealth(status) {
  const { sidecar, flow, hearing, lags } = status;
  const stores = Object.entries(sidecar.stores);
  const away = stores.filter(([, trouble]) => trouble);
  const nats = sidecar.announcer;
  const chips = [
    !nats.connected ? bad("NATS", "away: changes reach the bot later") : nats.trouble ? warn("NATS", nats.trouble) : good("NATS", "connected"),
    away.length
      ? (away.length < stores.length ? warn : bad)("Stores", away.map(([kind, why]) => `${kind}: ${why}`).join("; "))
      : good("Stores", stores.map(([kind]) => kind).join(", ")),
    ...(sidecar.history ? [warn("History", sidecar.history)] : []),
    flowChip(flow),
    hearing.signals ? good("Signals", "heard") : warn("Signals", "not heard: has the bot run?"),
    ...lags.map(lagChip),
  ];
  show(chips);
}

export function showAway(why) {
  show([bad("Sidecar", why)]);
}

function flowChip(flow) {
  if (!flow.reachable) return warn("Bot", flow.trouble);
  if (flow.trouble) return (flow.ready ? warn : bad)("Bot", flow.trouble);
  return good("Bot", `ready${keysOf(flow.details)}`);
}

function keysOf({ keys, bars }) {
  const groups = Object.values(bars?.groups ?? {}).map((group) => group.keys);
  const count = (groups.length ? groups : Object.values(keys ?? {})).reduce((sum, one) => sum + one, 0);
  return count ? `, ${counted(count, "key")}` : "";
}

function lagChip(lag) {
  const text = `${counted(lag.keys, "symbol")}, newest bar closed ${moment(lag.newest_close)}, arrived ${span(lag.heard_secs_ago)} ago`;
  if (lag.late) return bad(lag.timeframe, `no bar for ${span(lag.heard_secs_ago)}; the newest closed ${moment(lag.newest_close)}`);
  return lag.behind.length ? warn(lag.timeframe, `${text}; behind: ${lag.behind.join(", ")}`) : good(lag.timeframe, text);
}

const good = (name, text) => ({ name, text, state: "good" });
const warn = (name, text) => ({ name, text, state: "warn" });
const bad = (name, text) => ({ name, text, state: "bad" });

function show(chips) {
  const made = chips.map(({ name, text, state }) =>
    element(
      "li",
      { className: `chip ${state}`, dataset: { part: name } },
      element("strong", { textContent: name }),
      element("span", { textContent: text }),
    ),
  );
  byId("health").replaceChildren(...made);
}
