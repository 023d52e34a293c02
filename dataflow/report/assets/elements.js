/* Elements, and how numbers and times are written. Text never becomes markup. */
(function () {
  "use strict";

  /** An element with properties and children; children that are text stay text. */
  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key in made) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const NOTHING = "–";
  const plain = (decimals) =>
    new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const made = new Map();

  function number(value, decimals = 0, sign = false) {
    if (!Number.isFinite(value)) return NOTHING;
    if (!made.has(decimals)) made.set(decimals, plain(decimals));
    const text = made.get(decimals).format(value).replace("-", "−");
    return sign && value > 0 ? `+${text}` : text;
  }

  const percent = (share) => number(share * 100, 1);

  /** Seconds since 1970 as a time in UTC. */
  function time(secs) {
    if (!Number.isFinite(secs)) return NOTHING;
    return new Date(secs * 1000).toISOString().slice(0, 16).replace("T", " ");
  }

  const tone = (value) => (value > 0 ? "gain" : value < 0 ? "loss" : "");

  /**
   * A table whose columns sort it: `{label, title, value(row), cell(row), words}`. `foot` is a row that stays last,
   * `isChosen(row)` marks rows. Undefined values come last, whichever way it is sorted.
   */
  function sortable(table, columns, state) {
    const { rows, foot, sortBy, descending, isChosen } = state;
    const column = columns[sortBy];
    const sorted = [...rows].sort((one, other) => compared(column.value(one), column.value(other), descending));
    const heads = columns.map((each, place) => {
      const button = element("button", { type: "button", title: each.title || "" }, each.label);
      button.addEventListener("click", () => {
        const again = place === state.sortBy;
        Object.assign(state, { sortBy: place, descending: again ? !state.descending : !each.words });
        sortable(table, columns, state);
        table.querySelectorAll("thead button")[place].focus();
      });
      const order = place === sortBy ? (descending ? "descending" : "ascending") : "none";
      return element("th", { scope: "col", className: each.words ? "words" : "", "aria-sort": order }, button);
    });
    const row = (of) =>
      element("tr", { className: isChosen(of) ? "chosen" : "" }, ...columns.map((each) => cellOf(each, of)));
    table.replaceChildren(
      element("thead", {}, element("tr", {}, ...heads)),
      element("tbody", {}, ...sorted.map(row)),
      element("tfoot", {}, row(foot)),
    );
  }

  function cellOf({ cell, words, tone: toneOf }, row) {
    const className = [words ? "words" : "", toneOf ? tone(toneOf(row)) : ""].filter(Boolean).join(" ");
    return element("td", { className }, cell(row));
  }

  function compared(one, other, descending) {
    const missing = (value) => value === undefined || Number.isNaN(value);
    if (missing(one) || missing(other)) return missing(one) - missing(other);
    const order = typeof one === "string" ? one.localeCompare(other, "en") : one - other;
    return descending ? -order : order;
  }

  globalThis.TaBotElements = { element, number, percent, time, tone, sortable };
})();
