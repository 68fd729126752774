"use strict";
(() => {
  const page = JSON.parse(document.getElementById("page-data").textContent);
  const tables = {};

  /* Colours of the page, light or dark, since SVG takes them from where it stands. */
  const chartConfig = {
    background: "transparent",
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { labelColor: "currentColor", titleColor: "currentColor", domainColor: "currentColor", tickColor: "currentColor", gridColor: "currentColor", gridOpacity: 0.1, titleFontWeight: "normal" },
    legend: { labelColor: "currentColor", titleColor: "currentColor" },
    header: { labelColor: "currentColor" },
  };
  const exportOnly = { export: true, source: false, compiled: false, editor: false };
  for (const [id, spec] of Object.entries(page.charts)) {
    vegaEmbed(`#chart-${id}`, spec, { renderer: "svg", config: chartConfig, actions: exportOnly });
  }

  async function unpack(of) {
    const letters = atob(document.getElementById(`rows-${of}`).textContent);
    const stream = new Blob([Uint8Array.from(letters, (letter) => letter.charCodeAt(0))]).stream();
    const packed = await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).json();
    const columns = Object.entries(packed.columns).map(([name, column]) => [name, column.names ? column.index.map((place) => column.names[place]) : column.values]);
    return Array.from({ length: packed.rows }, (_, row) => Object.fromEntries(columns.map(([name, values]) => [name, values[row]])));
  }

  function text(words) {
    const element = document.createElement("div");
    element.textContent = words;
    return element;
  }

  /* Three digits that count, however small a p-value is. */
  function shownNumber(value, is_whole) {
    if (value === null || value === undefined) return "";
    if (is_whole) return value.toLocaleString("en");
    return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : value.toFixed(3);
  }

  function column(heading) {
    const shared = { field: heading.name, title: text(heading.title).innerHTML, headerTooltip: () => text(heading.tip), headerFilter: "input", headerWordWrap: true };
    if (!heading.is_number) {
      return { ...shared, sorter: "string", minWidth: 110, headerFilterPlaceholder: "search" };
    }
    const is_least = !["predicted_log2fc", "p_value", "q_value"].includes(heading.name);
    return {
      ...shared,
      sorter: "number",
      hozAlign: "right",
      width: 84,
      formatter: (cell) => shownNumber(cell.getValue(), heading.is_whole),
      headerSortStartingDir: is_least ? "desc" : "asc",
      headerFilterFunc: is_least ? ">=" : "<=",
      headerFilterPlaceholder: is_least ? "≥" : "≤",
      sorterParams: { alignEmptyValues: "bottom" },
    };
  }

  async function showTable(holder) {
    const of = holder.dataset.of;
    const [symbol, mirna, ...rest] = page.columns;
    const headings = of === "mirna" ? [mirna, symbol, ...rest] : [symbol, mirna, ...rest];
    const table = new Tabulator(holder, {
      data: await unpack(of),
      columns: headings.map(column),
      height: 460,
      layout: "fitDataStretch",
      selectableRows: 1,
      placeholder: "No pair of this page fits; mirscan query looks in all of them.",
    });
    table.on("rowSelected", (row) => {
      const { symbol, mirna } = row.getData();
      document.getElementById(`command-${of}`).textContent = `mirscan show ${symbol} ${mirna} ${page.out}`;
    });
    tables[of] = table;
  }

  async function showBrowser(holder) {
    const { reference, tracks, loci } = page.browser;
    const browser = await igv.createBrowser(holder, { loadDefaultGenomes: false, reference, tracks, locus: loci[0].place });
    /* igv.js is white, and its labels else take the ink of a dark page. */
    const style = document.createElement("style");
    style.textContent = "* { color-scheme: light !important; }";
    holder.shadowRoot.append(style);
    document.getElementById("loci").addEventListener("change", (event) => browser.search(event.target.value));
  }

  /* Tables and browser are built when they come near the screen, so that the page itself is there at once; tables else when nothing is to do. */
  const waiting = new Set(document.querySelectorAll(".table, #browser"));
  const watcher = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach((one) => show(one.target)), { rootMargin: "400px" });
  async function show(holder) {
    if (!waiting.delete(holder)) return;
    watcher.unobserve(holder);
    await (holder.id === "browser" ? showBrowser : showTable)(holder);
  }
  waiting.forEach((holder) => watcher.observe(holder));
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 500));
  idle(() => document.querySelectorAll(".table").forEach(show));
  document.querySelectorAll("[data-download]").forEach((button) => {
    button.addEventListener("click", () => tables[button.dataset.download]?.download("csv", `${button.dataset.download}.csv`));
  });
  window.addEventListener("beforeprint", () => document.querySelectorAll(".card details").forEach((details) => (details.open = true)));
})();
