/* Signals as rows. */
(function () {
  "use strict";

  const { element, number, time, tone } = globalThis.TaBotElements;
  const WORDS = "words";
  const HEADS = [
    ["Time (UTC)", WORDS],
    ["Strategy", WORDS],
    ["Action", WORDS],
    ["Confidence"],
    ["Entry"],
    ["Stop"],
    ["Target"],
    ["End", WORDS],
    ["Net R"],
  ];

  /** Head and body of a table of signals; `choose(signal)` is called with the one that was chosen. */
  function table(signals, model, selected, choose) {
    const heads = HEADS.map(([text, className = ""]) =>
      element("th", { scope: "col", className: `${className} plain` }, text),
    );
    const rows = signals.map((signal) => {
      const cells = cellsOf(signal, model, choose).map(([className, content]) => element("td", { className }, content));
      return element("tr", { className: signal === selected ? "chosen" : "" }, ...cells);
    });
    return [element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)];
  }

  function cellsOf(signal, model, choose) {
    const button = element("button", { type: "button" }, time(signal.time));
    button.addEventListener("click", () => choose(signal));
    const { decimals } = model.keys[signal.key].bars.close;
    return [
      [WORDS, button],
      [WORDS, model.strategies[signal.strategy].name],
      [WORDS, signal.action],
      ["", number(signal.confidence, 2)],
      ["", number(signal.price, decimals)],
      ["", number(signal.stop, decimals)],
      ["", number(signal.target, decimals)],
      [WORDS, signal.reason || (signal.action === "hold" ? "alert" : "not followed")],
      [tone(signal.r), number(signal.r, 2, true)],
    ];
  }

  globalThis.TaBotList = { table };
})();
