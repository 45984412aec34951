"use strict";
(() => {
  const RANK = { Low: 1, Medium: 2, High: 3 };
  const DAY = 86400000;
  const byId = (id) => document.getElementById(id);
  const counted = (some) => (some === 1 ? "1 row" : `${some} rows`);
  const make = (name, text) => Object.assign(document.createElement(name), { textContent: text });

  const tables = [...document.querySelectorAll("table.rows")].map((table) => {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    return {
      table,
      heads,
      rows,
      severity: heads.findIndex((head) => head.dataset.sort === "severity"),
      shown: table.caption.querySelector(".shown"),
      told: table.caption.querySelector(".shown").textContent,
    };
  });

  /* Rows are laid out as grids, which for some browsers makes them no table any more. Tables that
     are not too long say so themselves. */
  const ROLES = { TABLE: "table", CAPTION: "caption", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  for (const { table } of tables.filter((one) => !one.table.hasAttribute("role"))) {
    table.setAttribute("role", "table");
    for (const part of table.querySelectorAll("caption, thead, tbody, tr, td, th")) {
      const heads = part.scope === "row" ? "rowheader" : "columnheader";
      part.setAttribute("role", ROLES[part.tagName] || heads);
    }
  }

  const key = (kind) => (cell) => {
    const text = cell.textContent;
    if (kind === "severity") return RANK[text] || 0;
    if (kind === "number") return Number(cell.dataset.value);
    if (kind === "time") return cell.querySelector("time")?.dateTime || "";
    return text.toLowerCase();
  };

  const order = (one, head) => {
    const rising = head.getAttribute("aria-sort") !== "ascending";
    const column = one.heads.indexOf(head);
    const of = key(head.dataset.sort);
    const keyed = one.rows.map((row) => [of(row.cells[column]), row]);
    keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (rising ? 1 : -1));
    one.rows = keyed.map(([, row]) => row);
    for (const other of one.heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    lay(one);
  };

  /* Rows lie in bodies of equal size, of which the browser lays out those near the screen. */
  const lay = (one) => {
    let next = 0;
    for (const body of one.table.tBodies) {
      const size = body.rows.length;
      body.append(...one.rows.slice(next, next + size));
      next += size;
    }
    hide(one);
  };

  const hide = (one) => {
    for (const body of one.table.tBodies) {
      body.hidden = [...body.rows].every((row) => row.hidden);
    }
  };

  /* On a phone, where heads do not stand above columns, one list sorts. */
  const choice = (one) => {
    const sorted = one.heads.filter((head) => head.dataset.sort);
    const list = make("select", "");
    for (const head of sorted) list.append(make("option", head.textContent));
    list.selectedIndex = sorted.findIndex((head) => head.ariaSort);
    list.addEventListener("change", () => order(one, sorted[list.selectedIndex]));
    const label = make("label", "Sort by ");
    label.className = "sort";
    label.append(list);
    one.table.before(label);
  };

  for (const one of tables) {
    choice(one);
    for (const head of one.heads.filter((cell) => cell.dataset.sort)) {
      const button = make("button", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => order(one, head));
      head.replaceChildren(button);
    }
  }

  const form = byId("filter");
  const result = byId("filter-result");
  const texts = new Map();
  const text = (row) => {
    if (!texts.has(row)) {
      const cells = [...row.cells].map((cell) => cell.textContent);
      texts.set(row, cells.join(" ").toLowerCase());
    }
    return texts.get(row);
  };

  const fits = (one, row, words, control, severity) =>
    words.every((word) => text(row).includes(word)) &&
    (!control || text(row).split(/\s+/).includes(control)) &&
    (!severity || one.severity < 0 || row.cells[one.severity].textContent === severity);

  /* Of what is folded together, that is shown which the filter has found. */
  const unfold = (row, words) => {
    const all = row.querySelector("details.all");
    if (all && words.some((word) => all.textContent.toLowerCase().includes(word))) all.open = true;
  };

  const filter = () => {
    const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const control = byId("filter-control").value;
    const severity = byId("filter-severity").value;
    const set = words.length > 0 || control !== "" || severity !== "";
    let matched = 0;
    let all = 0;
    for (const one of tables) {
      let left = 0;
      for (const row of one.rows) {
        row.hidden = set && !fits(one, row, words, control, severity);
        if (!row.hidden) left += 1;
        if (words.length && !row.hidden) unfold(row, words);
      }
      one.shown.textContent = set ? `filter: ${left} of ${counted(one.rows.length)} shown` : one.told;
      matched += left;
      all += one.rows.length;
      hide(one);
    }
    result.textContent = set ? `${matched} of ${counted(all)} in all tables` : "";
  };

  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;

  /* A link to a row that the filter hides takes the filter away; what is folded away is opened. */
  const reveal = () => {
    const target = byId(decodeURIComponent(location.hash.slice(1))) || byId(location.hash.slice(1));
    const folded = target?.closest("details");
    const hidden = target?.closest("tr[hidden]");
    if (!folded && !hidden) return;
    if (folded) folded.open = true;
    if (hidden) form.reset();
    setTimeout(() => target.scrollIntoView());
  };
  addEventListener("hashchange", reveal);

  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll(".rows details:not(.all)")) part.open = true;
  });

  const days = Math.floor((Date.now() - Date.parse(byId("generated").dateTime)) / DAY);
  if (days >= 1) {
    const ago = days === 1 ? "a day" : `${days} days`;
    byId("old").textContent = `This page was made ${ago} ago. Nothing in it is of today.`;
    byId("old").hidden = false;
    byId("freshness").classList.replace("good", "aged");
  }
})();
