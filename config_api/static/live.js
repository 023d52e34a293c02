// The page: what is chosen, what is heard, and who is told.

import { Refusal, get, setToken, whenTokenIsWanted } from "./live-api.js";
import { LiveChart } from "./live-chart.js";
import { Editor } from "./live-editor.js";
import { showAway, showHealth } from "./live-health.js";
import { SignalList } from "./live-signals.js";
import { EventFeed } from "./live-stream.js";
import { byId, counted, element, options } from "./live-words.js";

const BARS = 1000;
const SIGNALS = 1000;
const REDRAW_MS = 150;

const state = { keys: [], strategies: [], symbol: "", timeframe: "", strategy: "", confidence: 0, onlyHere: false, isLoaded: false, trial: null };
let turn = 0;
let redrawing = null;

const chart = new LiveChart(byId("chart"), pickBar);
const list = new SignalList({ filter: passes, onSelect: select });
const editor = new Editor({
  root: byId("editor"),
  chosenKey: () => state,
  symbols: () => [...new Set(state.keys.map(({ symbol }) => symbol))],
  onTrial: (dryRun) => {
    state.trial = dryRun;
    showTrial();
  },
  onSelect: select,
  onChanged: loadStrategies,
});
const feed = new EventFeed({ onEvent: hear, onAway: (why) => showAway(why) });

function passes(signal) {
  return (!state.strategy || signal.strategy_id === state.strategy) && signal.confidence >= state.confidence;
}

function isHere({ symbol, timeframe }) {
  return symbol === state.symbol && timeframe === state.timeframe;
}

function showTrial() {
  chart.setTrial(state.trial && isHere(state.trial) ? state.trial : null);
}

function hear(kind, data) {
  if (kind === "hello" && (data.missed || !state.isLoaded)) guarded(loadAll);
  else if (kind === "health") showHealth(data);
  else if (kind === "bar") hearBar(data);
  else if (kind === "signal") {
    list.add(data);
    redrawSoon();
  } else if (kind === "config") {
    editor.heard(data);
    guarded(loadStrategies);
  }
}

function hearBar(bar) {
  if (!state.keys.some((key) => key.symbol === bar.symbol && key.timeframe === bar.timeframe)) {
    state.keys.push({ symbol: bar.symbol, timeframe: bar.timeframe });
    if (state.symbol) showKeys();
    else chooseKey(bar.symbol, bar.timeframe);
  } else if (isHere(bar)) chart.addBar(bar);
}

async function loadAll() {
  say("");
  byId("token-form").hidden = true;
  const [keys, signals] = await Promise.all([get("/klines"), get("/signals", { limit: SIGNALS }), loadStrategies()]);
  state.keys = keys.data;
  list.replace(signals.data);
  if (!state.symbol && state.keys.length) [state.symbol, state.timeframe] = [state.keys[0].symbol, state.keys[0].timeframe];
  showKeys();
  await loadBars();
  state.isLoaded = true;
}

async function loadBars() {
  const mine = ++turn;
  if (!state.symbol) return;
  const { data, metadata } = await get(`/klines/${state.symbol}/${state.timeframe}`, { limit: BARS });
  if (mine !== turn) return;
  chart.setBars(data);
  showTrial();
  say(metadata.note ? `These are the bars that were heard only: ${metadata.note}.` : "");
  redraw();
}

async function loadStrategies() {
  state.strategies = (await get("/strategies")).data;
  options(byId("strategy"), [["", "all"], ...state.strategies.map(({ id, name }) => [id, name])], state.strategy);
  showStrategies();
}

function showStrategies() {
  const wanted = byId("find").value.trim().toLowerCase();
  const found = state.strategies.filter(({ id, name, description }) => `${id} ${name} ${description}`.toLowerCase().includes(wanted));
  byId("strategies").replaceChildren(...found.map(strategyRow));
}

function strategyRow(strategy) {
  const overrides = strategy.symbol_overrides.length;
  const button = element(
    "button",
    {
      type: "button",
      dataset: { id: strategy.id },
      onclick: () => {
        editor.open(strategy);
        showStrategies();
      },
    },
    element("span", { className: "line" }, element("strong", { textContent: strategy.name }), element("span", { className: "tag", textContent: strategy.category })),
    element("span", { className: "quiet", textContent: strategy.description }),
    overrides ? element("span", { className: "tag own", textContent: `${counted(overrides, "symbol")} with own values` }) : null,
  );
  const row = element("li", {}, button);
  row.classList.toggle("selected", strategy.id === editor.strategy?.id);
  return row;
}

function showKeys() {
  const symbols = [...new Set(state.keys.map(({ symbol }) => symbol))].sort();
  const timeframes = state.keys.filter(({ symbol }) => symbol === state.symbol).map(({ timeframe }) => timeframe);
  options(byId("symbol"), symbols.map((name) => [name, name]), state.symbol);
  options(byId("timeframe"), timeframes.map((name) => [name, name]), state.timeframe);
}

async function chooseKey(symbol, timeframe) {
  const of = state.keys.filter((key) => key.symbol === symbol).map((key) => key.timeframe);
  state.symbol = symbol;
  state.timeframe = of.includes(timeframe) ? timeframe : (of[0] ?? timeframe);
  showKeys();
  await guarded(loadBars);
}

async function select(signal) {
  if (!isHere(signal)) await chooseKey(signal.symbol, signal.timeframe);
  list.select(signal);
  redraw();
  chart.select(signal);
}

function pickBar(time) {
  const found = list.filtered(isHere).find((signal) => Date.parse(signal.metadata.bar_open_time) / 1000 === time);
  list.select(found ?? null);
  chart.select(found ?? null, true);
  document.querySelector("#signals .selected")?.scrollIntoView({ block: "nearest" });
}

function redrawSoon() {
  redrawing ??= setTimeout(redraw, REDRAW_MS);
}

function redraw() {
  clearTimeout(redrawing);
  redrawing = null;
  list.show(state.onlyHere ? isHere : undefined);
  chart.setSignals(list.filtered(isHere));
}

function say(message) {
  byId("notice").textContent = message;
  byId("notice").hidden = message === "";
}

async function guarded(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status !== 401) say(error.message);
  }
}

function listen() {
  byId("symbol").onchange = ({ target }) => chooseKey(target.value, state.timeframe);
  byId("timeframe").onchange = ({ target }) => chooseKey(state.symbol, target.value);
  byId("strategy").onchange = ({ target }) => filter({ strategy: target.value });
  byId("confidence").oninput = ({ target }) => filter({ confidence: Number(target.value) || 0 });
  byId("only-here").onchange = ({ target }) => filter({ onlyHere: target.checked });
  byId("find").oninput = showStrategies;
  byId("token-form").onsubmit = (event) => {
    event.preventDefault();
    setToken(byId("token").value.trim());
    byId("token").value = "";
    feed.start();
  };
  whenTokenIsWanted((why) => {
    byId("token-why").textContent = why;
    byId("token-form").hidden = false;
    showAway("asks for a token");
  });
}

function filter(change) {
  Object.assign(state, change);
  redraw();
}

listen();
feed.start();
