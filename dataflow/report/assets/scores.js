/* How scores are shown: as columns of a table, and as tiles. */
(function () {
  "use strict";

  const { element, number, percent, tone } = globalThis.TaBotElements;

  /** Columns of the table; `choose(place)` is called with the strategy that was chosen. */
  function columns(choose) {
    const name = (row) => {
      const button = element("button", { type: "button", title: row.name }, row.name);
      button.addEventListener("click", () => choose(row.place));
      return button;
    };
    const column = (label, title, field, cell, more = {}) => ({
      label,
      title,
      value: (row) => row[field],
      cell,
      ...more,
    });
    return [
      column("Strategy", "", "name", name, { words: true }),
      column("Signals", "Alerts included", "signals", (row) => number(row.signals)),
      column("Closed", "Filled and ended", "closed", (row) => number(row.closed)),
      column("Won %", "Of those closed, after costs", "winRate", (row) => percent(row.winRate)),
      column("95 %", "Interval of the share that was won", "low", (row) =>
        row.closed ? `${percent(row.low)} – ${percent(row.high)}` : "–",
      ),
      column(
        "Luck %",
        "The same orders on other days; * outside the interval",
        "luck",
        (row) => percent(row.luck) + (row.beyondLuck ? "*" : ""),
      ),
      column("Gross R", "Mean before costs", "grossR", (row) => number(row.grossR, 3, true), {
        tone: (row) => row.grossR,
      }),
      column("Net R", "Mean after costs", "meanR", (row) => number(row.meanR, 3, true), { tone: (row) => row.meanR }),
      column("Sum R", "Of all, after costs", "totalR", (row) => number(row.totalR, 1, true), {
        tone: (row) => row.totalR,
      }),
      column("Gain", "R won for each R lost", "factor", (row) => number(row.factor, 2)),
      column("Drawdown", "Largest, in R", "drawdown", (row) => number(row.drawdown, 1)),
      column("Bars", "Median held", "bars", (row) => number(row.bars, row.bars % 1 ? 1 : 0)),
    ];
  }

  /** The most important numbers of a score, as entries of a list of definitions. */
  function tiles(row) {
    const texts = [
      ["Signals", number(row.signals)],
      ["Closed", number(row.closed)],
      ["Won", row.closed ? `${percent(row.winRate)} %` : "–"],
      ["By luck", Number.isNaN(row.luck) ? "–" : `${percent(row.luck)} %`],
      ["Net R a trade", number(row.meanR, 3, true), tone(row.meanR)],
      ["Sum", `${number(row.totalR, 1, true)} R`, tone(row.totalR)],
      ["Drawdown", `${number(row.drawdown, 1)} R`],
    ];
    return texts.map(([name, text, className = ""]) =>
      element("div", {}, element("dt", {}, name), element("dd", { className }, text)),
    );
  }

  globalThis.TaBotScores = { columns, tiles };
})();
