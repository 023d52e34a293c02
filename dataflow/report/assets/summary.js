/* A signal in words. */
(function () {
  "use strict";

  const { element, number, time } = globalThis.TaBotElements;
  const STRENGTHS = [
    [0.8, "extreme"],
    [0.7, "strong"],
    [0.6, "medium"],
    [0, "weak"],
  ];
  const ENDS = {
    stop: "stopped out",
    target: "reached its target",
    horizon: "closed at the horizon",
    expired: "expired: its price was not reached",
    open: "still open where the bars end",
  };

  /** What a signal says, what became of it, by which values it was decided and how its strategy was configured. */
  function summary(signal, model, indicators) {
    const { decimals } = model.keys[signal.key].bars.close;
    return [
      element(
        "p",
        {},
        element("span", { className: `action ${signal.action}` }, signal.action),
        ` ${model.strategies[signal.strategy].name}`,
      ),
      facts(planOf(signal, decimals)),
      element("h2", {}, "Indicators"),
      facts(indicators.map(([name, value]) => [name, significant(value)])),
      element("h2", {}, "Configuration"),
      element("p", { className: "quiet" }, configured(signal.config)),
    ];
  }

  function facts(pairs) {
    const items = pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
    return element("dl", { className: "facts" }, ...items);
  }

  function planOf(signal, decimals) {
    const strength = STRENGTHS.find(([from]) => signal.confidence >= from)[1];
    const planned = [
      ["Bar", time(signal.time)],
      ["Confidence", `${number(signal.confidence, 2)} (${strength})`],
      ["Entry", number(signal.price, decimals)],
    ];
    if (!Number.isNaN(signal.stop)) {
      const ratio = Math.abs(signal.target - signal.price) / Math.abs(signal.price - signal.stop);
      planned.push(
        ["Stop", number(signal.stop, decimals)],
        ["Target", number(signal.target, decimals)],
        ["Reward for risk", number(ratio, 2)],
      );
    }
    if (signal.reason) planned.push(["End", ENDS[signal.reason]]);
    if (!Number.isNaN(signal.fillTime))
      planned.push(["Filled", `${number(signal.fillPrice, decimals)}, ${time(signal.fillTime)}`]);
    if (!Number.isNaN(signal.exitPrice))
      planned.push(["Exit", `${number(signal.exitPrice, decimals)}, ${time(signal.exitTime)}`]);
    if (!Number.isNaN(signal.r))
      planned.push(["Result", `${number(signal.r, 2, true)} R after costs, ${number(signal.bars)} bars`]);
    return planned;
  }

  function significant(value) {
    return new Intl.NumberFormat("en", { maximumSignificantDigits: 6 }).format(value);
  }

  function configured({ version, source, is_override: isOverride, parameters }) {
    const changed = Object.entries(parameters).map(([name, value]) => `${name} = ${value}`);
    const from = version
      ? `Version ${version} from ${source}${isOverride ? ", with this symbol's own values" : ""}`
      : `Version 0, from ${source}`;
    return `${from}: ${changed.length ? changed.join(", ") : "all parameters at their defaults"}.`;
  }

  globalThis.TaBotSummary = { summary };
})();
