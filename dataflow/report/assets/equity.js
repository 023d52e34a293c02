/* The sum of results over time. */
(function () {
  "use strict";

  const library = globalThis.LightweightCharts;
  const { colors, newChart, priceFormat } = globalThis.TaBotFrame;

  class ResultChart {
    /** A line of results, above and below 0. */
    constructor(container) {
      this.container = container;
      const { chart, remove } = newChart(container, () => this.recolor());
      this.chart = chart;
      this.remove = remove;
      this.line = chart.addSeries(library.BaselineSeries, {
        baseValue: { type: "price", price: 0 },
        lineWidth: 2,
        priceLineVisible: false,
        priceFormat: priceFormat(1),
      });
      this.recolor();
    }

    /** Draw `{time, value}`, in the order of time, each time once. */
    setPoints(data) {
      this.line.setData(data);
      this.chart.timeScale().fitContent();
    }

    recolor() {
      const color = colors(this.container);
      const fill = (name) => ({
        [`${name}LineColor`]: color(name === "top" ? "--up" : "--down"),
        [`${name}FillColor1`]: color(name === "top" ? "--gain-fill" : "--no-fill"),
        [`${name}FillColor2`]: color(name === "top" ? "--no-fill" : "--loss-fill"),
      });
      this.line.applyOptions({ ...fill("top"), ...fill("bottom") });
    }
  }

  globalThis.TaBotEquity = { ResultChart };
})();
