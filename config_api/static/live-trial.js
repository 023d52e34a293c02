// What a change would have made of the last bars, in numbers and one by one.

import { counted, element } from "./live-words.js";
import { lines } from "./live-signals.js";

const MOST_LISTED = 100;

export function trialView(dryRun, onSelect) {
  const { appear, disappear, changed, unchanged, bars, symbol, timeframe } = dryRun;
  const numbers = element(
    "p",
    { className: "trial-numbers" },
    element("strong", { textContent: `On the last ${counted(bars, "bar")} of ${symbol} ${timeframe}: ` }),
    element("span", { className: "appear", textContent: `${counted(appear.length, "signal")} would appear` }),
    ", ",
    element("span", { className: "disappear", textContent: `${appear.length === 0 && disappear.length === 0 ? "none" : disappear.length} would disappear` }),
    `, ${changed.length} would change, ${unchanged} would stay.`,
  );
  if (bars === 0) numbers.replaceChildren(`There are no bars of ${symbol} ${timeframe} to try it on.`);
  const rows = [
    ...appear.map((signal) => ["appears", signal]),
    ...disappear.map((signal) => ["disappears", signal]),
    ...changed.map(({ after }) => ["changes", after]),
  ].sort(([, one], [, other]) => (one.timestamp < other.timestamp ? 1 : -1));
  const list = rows
    .slice(0, MOST_LISTED)
    .map(([what, signal]) => element("li", { className: what }, element("button", { type: "button", onclick: () => onSelect(signal) }, ...lines(signal, what))));
  return element("div", { className: "trial" }, numbers, element("ol", { className: "list", id: "trial-list" }, ...list));
}
