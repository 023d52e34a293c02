/* The report's content as the page works with it. */
(function () {
  "use strict";

  const { unpackAll, unpack } = globalThis.TaBotUnpack;

  function signalsOf(columns, key, content) {
    const seen = new Map();
    return Array.from(columns.time, (time, place) => {
      const strategy = columns.strategy[place];
      const nth = seen.get(strategy) || 0;
      seen.set(strategy, nth + 1);
      const of = (name) => columns[name][place];
      return {
        key,
        time,
        strategy,
        nth, // among those of its strategy and key
        action: content.actions[columns.action[place]],
        confidence: columns.confidence[place],
        price: columns.price[place],
        stop: columns.stop[place],
        target: columns.target[place],
        config: content.configs[columns.config[place]],
        reason: content.reasons[columns.reason[place]], // undefined where it was not followed
        fillTime: of("fill_time"),
        fillPrice: of("fill_price"),
        exitTime: of("exit_time"),
        exitPrice: of("exit_price"),
        bars: of("bars"),
        r: of("r"),
        grossR: of("gross_r"),
      };
    });
  }

  class Model {
    /** Everything about signals is unpacked at once, bars and indicators when they are looked at. */
    static async of(content) {
      const columns = await Promise.all(content.keys.map((key) => unpackAll(key.signals)));
      return new Model(content, columns);
    }

    constructor(content, columns) {
      this.content = content;
      this.keys = content.keys;
      this.strategies = content.strategies;
      this.byKey = columns.map((each, key) => signalsOf(each, key, content));
      this.signals = this.byKey.flat();
      this.signals.forEach((signal, id) => (signal.id = id));
      this.byEnd = this.signals
        .filter(({ exitTime }) => !Number.isNaN(exitTime))
        .sort((one, other) => one.exitTime - other.exitTime);
      this.byEnd.push(...this.signals.filter(({ exitTime }) => Number.isNaN(exitTime)));
      this.unpacked = new Map();
    }

    bars(key) {
      return this.once(`bars ${key}`, () => unpackAll(this.keys[key].bars));
    }

    /** The series that a strategy read on a key: `{label, pane, color, decimals, values}`. */
    async overlays(key, strategy) {
      const { series, named } = this.keys[key].overlays;
      return Promise.all(
        Object.entries(named[strategy] || {}).map(async ([name, place], color) => {
          const { indicator, pane, values } = series[place];
          const numbers = await this.once(`overlay ${key} ${place}`, () => unpack(values));
          return { label: spoken(name), indicator, pane, color, decimals: values.decimals, values: numbers };
        }),
      );
    }

    /** The values that a signal was decided by, by name. */
    async indicators({ key, strategy, nth }) {
      const columns = await this.once(`indicators ${key} ${strategy}`, () =>
        unpackAll(this.keys[key].indicators[strategy] || {}),
      );
      return Object.entries(columns)
        .map(([name, values]) => [spoken(name), values[nth]])
        .filter(([, value]) => !Number.isNaN(value));
    }

    once(name, make) {
      if (!this.unpacked.has(name)) this.unpacked.set(name, make());
      return this.unpacked.get(name);
    }

    /** Counts of random entries of a strategy (of all, where null) on some keys. */
    baseline(strategy, keys) {
      const sum = { closed: 0, wins: 0, r: 0 };
      for (const key of keys) {
        for (const [place, counts] of Object.entries(this.keys[key].baseline)) {
          if (strategy === null || strategy === Number(place))
            for (const name of Object.keys(sum)) sum[name] += counts[name];
        }
      }
      return sum;
    }
  }

  const SHORT = new Set(["ema", "sma", "rsi", "adx", "atr", "macd", "vwap", "bb"]);

  /** A name as in code, as people say it. */
  function spoken(name) {
    const words = name.split("_").map((word) => (SHORT.has(word) ? word.toUpperCase() : word));
    return words.join(" ");
  }

  globalThis.TaBotModel = { Model };
})();
