// The latest signals: kept, filtered, listed.

import { byId, counted, element, moment, percent, price, shortMoment } from "./live-words.js";

const MOST_KEPT = 2000;
const MOST_LISTED = 200;
const ACTIONS = ["buy", "sell", "hold", "close"];

export class SignalList {
  constructor({ filter, onSelect }) {
    this.filter = filter;
    this.onSelect = onSelect;
    this.byId = new Map();
    this.selected = null;
  }

  replace(signals) {
    // They come with the newest first; what is kept longest is forgotten first.
    this.byId = new Map([...signals].reverse().map((signal) => [signal.signal_id, signal]));
  }

  add(signal) {
    if (this.byId.has(signal.signal_id)) return;
    this.byId.set(signal.signal_id, signal);
    if (this.byId.size > MOST_KEPT) this.byId.delete(this.byId.keys().next().value);
  }

  // Those that the filter lets through, the newest first.
  filtered(more = () => true) {
    const found = [...this.byId.values()].filter((signal) => this.filter(signal) && more(signal)).reverse();
    return found.sort((one, other) => (one.timestamp < other.timestamp ? 1 : one.timestamp > other.timestamp ? -1 : 0));
  }

  show(more) {
    const found = this.filtered(more);
    byId("signals-count").textContent = found.length ? counted(found.length, "signal") : "None yet that these filters let through.";
    this.arrange(found.slice(0, MOST_LISTED));
  }

  // Rows that stay are not touched: somebody may be about to click one.
  arrange(signals) {
    const list = byId("signals");
    const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
    const wanted = new Set(signals.map((signal) => signal.signal_id));
    for (const [id, row] of rows) if (!wanted.has(id)) row.remove();
    let next = list.firstElementChild;
    for (const signal of signals) {
      const row = rows.get(signal.signal_id) ?? this.row(signal);
      if (row === next) next = next.nextElementSibling;
      else list.insertBefore(row, next);
    }
  }

  select(signal) {
    this.selected = signal?.signal_id ?? null;
    for (const row of byId("signals").children) row.classList.toggle("selected", row.dataset.id === this.selected);
  }

  row(signal) {
    const button = element("button", { type: "button", onclick: () => this.onSelect(signal) }, ...lines(signal));
    const row = element("li", { dataset: { id: signal.signal_id } }, button);
    row.classList.toggle("selected", signal.signal_id === this.selected);
    return row;
  }
}

export function lines(signal, tag = null) {
  const action = ACTIONS.includes(signal.action) ? signal.action : "hold";
  const version = signal.metadata.strategy_config.version;
  const levels = signal.stop_loss === null ? "" : ` · stop ${price(signal.stop_loss)} · target ${price(signal.take_profit)}`;
  return [
    element(
      "span",
      { className: "line" },
      element("span", { className: `action ${action}`, textContent: action }),
      element("strong", { textContent: `${signal.symbol} ${signal.timeframe}` }),
      tag && element("span", { className: "tag", textContent: tag }),
      element("span", { className: "when", textContent: shortMoment(signal.timestamp), title: `closed ${moment(signal.timestamp)} UTC` }),
    ),
    element(
      "span",
      { className: "line" },
      element("span", { className: "name", textContent: signal.strategy_id }),
      element("span", { className: "when", textContent: `${percent(signal.confidence)}${version ? ` · v${version}` : ""}` }),
    ),
    element("span", { className: "line quiet", textContent: `${price(signal.price)}${levels}` }),
  ];
}
