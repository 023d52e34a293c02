/*
 * What our charts have in common. Colours are the custom properties of a chart's container (style.css has them), and
 * follow the colour scheme; TradingView, who made Lightweight Charts, is named on each chart.
 */
(function () {
  "use strict";

  const library = globalThis.LightweightCharts;

  function colors(element) {
    const style = getComputedStyle(element);
    return (name) => style.getPropertyValue(name).trim();
  }

  /** The place of the last of `times` that is not after `time`; -1 before the first. */
  function placeAt(times, time) {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  function attribution(container) {
    const link = document.createElement("a");
    link.className = "chart-attribution";
    link.href = "https://www.tradingview.com/";
    link.rel = "noopener noreferrer";
    link.target = "_blank";
    link.textContent = "Charts by TradingView";
    container.append(link);
    return link;
  }

  function layoutOf(color) {
    const line = { color: color("--chart-grid") };
    return {
      layout: {
        attributionLogo: false, // the link above says it, without the inline style that a strict page forbids
        background: { type: "solid", color: color("--chart-background") },
        textColor: color("--chart-text"),
        panes: { separatorColor: color("--chart-border"), separatorHoverColor: color("--chart-grid") },
        fontFamily: "system-ui, sans-serif",
      },
      grid: { vertLines: line, horzLines: line },
      rightPriceScale: { borderColor: color("--chart-border") },
      timeScale: {
        borderColor: color("--chart-border"),
        timeVisible: true,
        secondsVisible: false,
        minBarSpacing: 0.02,
      },
    };
  }

  /** A chart in a container that follows the colour scheme; `recolor` is called when that changes. */
  function newChart(container, recolor) {
    if (!library) throw new Error("the chart library is missing");
    const holder = document.createElement("div");
    holder.className = "chart-canvas";
    container.replaceChildren(holder);
    attribution(container);
    const chart = library.createChart(holder, {
      autoSize: true,
      localization: { locale: "en-GB", dateFormat: "yyyy-MM-dd" },
      crosshair: { mode: library.CrosshairMode.Normal },
      ...layoutOf(colors(container)),
    });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => {
      chart.applyOptions(layoutOf(colors(container)));
      recolor();
    };
    scheme.addEventListener("change", changed);
    const remove = () => {
      scheme.removeEventListener("change", changed);
      chart.remove();
      container.replaceChildren();
    };
    return { chart, remove };
  }

  function priceFormat(decimals) {
    return { type: "price", precision: decimals, minMove: 1 / 10 ** decimals };
  }

  globalThis.TaBotFrame = { colors, newChart, placeAt, priceFormat };
})();
