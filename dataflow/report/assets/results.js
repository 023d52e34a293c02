/* What signals come to: the statistics of `ta-bot evaluate`, of whatever is selected. */
(function () {
  "use strict";

  const Z = 1.959963984540054; // the 97.5th percentile of the standard normal distribution

  /** The interval of 95 % (Wilson) for the share that `wins` of `trades` come from. */
  function interval(wins, trades) {
    if (!trades) return [NaN, NaN];
    const share = wins / trades;
    const square = Z * Z;
    const middle = share + square / (2 * trades);
    const spread = Z * Math.sqrt((share * (1 - share)) / trades + square / (4 * trades * trades));
    const scale = 1 + square / trades;
    return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)];
  }

  function median(numbers) {
    if (!numbers.length) return NaN;
    const sorted = Float64Array.from(numbers).sort();
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The sum of results after each time at which any came; `signals` are in the order of their ends. */
  function equity(signals) {
    const points = [];
    let sum = 0;
    for (const { r, exitTime } of signals) {
      if (Number.isNaN(r)) continue;
      sum += r;
      const last = points[points.length - 1];
      if (last && last.time === exitTime) last.value = sum;
      else points.push({ time: exitTime, value: sum });
    }
    return points;
  }

  /** How far the sum of results fell below the most it had been, from 0 on. */
  function drawdown(points) {
    let peak = 0;
    let most = 0;
    for (const { value } of points) {
      peak = Math.max(peak, value);
      most = Math.max(most, peak - value);
    }
    return most;
  }

  const per = (amount, of) => (of ? amount / of : NaN);

  /** The score of signals that are in the order of their ends; `random` are the counts of their baseline. */
  function score(signals, random) {
    const closed = signals.filter(({ r }) => !Number.isNaN(r));
    const sum = (value) => closed.reduce((total, signal) => total + value(signal), 0);
    const wins = closed.filter(({ r }) => r > 0).length;
    const [low, high] = interval(wins, closed.length);
    const luck = per(random.wins, random.closed);
    const r = sum((signal) => signal.r);
    return {
      signals: signals.length,
      filled: signals.filter(({ fillTime }) => !Number.isNaN(fillTime)).length,
      closed: closed.length,
      wins,
      winRate: per(wins, closed.length),
      low,
      high,
      luck,
      beyondLuck: luck < low || luck > high,
      grossR: per(
        sum((signal) => signal.grossR),
        closed.length,
      ),
      meanR: per(r, closed.length),
      totalR: r,
      factor: per(
        sum((signal) => Math.max(signal.r, 0)),
        sum((signal) => Math.max(-signal.r, 0)),
      ),
      drawdown: drawdown(equity(closed)),
      bars: median(closed.map(({ bars }) => bars)),
    };
  }

  globalThis.TaBotResults = { score, equity, interval, median };
})();
