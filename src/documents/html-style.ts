/** The style sheet of HTML documents: one column, light and dark, and paper. */

export const STYLE = `
:root { color-scheme: light dark; --ink: #17211c; --soft: #56635c; --line: #d5ddd8; --paper: #fff; --desk: #eef2ef;
  --accent: #0b6b43; --accent-soft: #e8f3ed; --warn: #7a4a00; --warn-soft: #fdf3e1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8efeb; --soft: #a3b1a9; --line: #35423b; --paper: #151c18;
  --desk: #0c110e; --accent: #5fd39b; --accent-soft: #1b2c23; --warn: #f2c14e; --warn-soft: #2d2513; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--desk); color: var(--ink); font: 400 1rem/1.5 "Source Sans 3", system-ui, sans-serif;
  font-variant-numeric: tabular-nums lining-nums; font-variant-ligatures: no-common-ligatures; }
main { max-width: 56rem; margin: 2rem auto; padding: clamp(1.25rem, 5vw, 3.5rem); background: var(--paper);
  border-top: .4rem solid var(--accent); border-radius: .25rem; box-shadow: 0 1px 3px rgb(0 0 0 / .14); }
header { display: flex; flex-wrap: wrap; gap: 1.5rem; justify-content: space-between; align-items: flex-start; }
h1 { margin: 0; font-size: 2.1rem; line-height: 1.1; font-weight: 600; letter-spacing: -.015em; }
.credit_note h1 { color: var(--warn); }
.credit_note main { border-top-color: var(--warn); }
.number { margin: .3rem 0 0; color: var(--soft); overflow-wrap: anywhere; }
address { font-style: normal; text-align: end; color: var(--soft); max-width: 22rem; }
address strong { display: block; color: var(--ink); font-weight: 600; font-size: 1.05rem; }
.highlights { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem 1.5rem; align-items: end;
  margin: 2rem 0 0; padding: 1.1rem 1.4rem; background: var(--accent-soft); border-radius: .5rem; }
.highlights div:last-child { text-align: end; }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.highlights dd { font-size: 1.3rem; font-weight: 600; line-height: 1.3; }
.highlights div:last-child dd { color: var(--accent); font-size: 1.6rem; white-space: nowrap; }
h2 { margin: 2.4rem 0 .6rem; font-size: 1.05rem; font-weight: 600; color: var(--accent); }
.facts { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; margin: 0; }
.facts dt { font-size: 1rem; }
.facts > * { padding: .32rem 0; border-top: 1px solid var(--line); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
caption { text-align: start; color: var(--soft); font-size: .875rem; padding-bottom: .35rem; }
th, td { padding: .45rem 0 .45rem .9rem; text-align: start; vertical-align: top; font-weight: 400; }
th:first-child, td:first-child { padding-left: 0; }
.end { text-align: end; white-space: nowrap; }
thead th { color: var(--soft); font-size: .875rem; border-bottom: 1.5px solid var(--ink); vertical-align: bottom; }
tbody tr.first > * { border-top: 1px solid var(--line); }
tbody:first-of-type tr.first > * { border-top: 0; }
tbody th { font-weight: 600; }
.small { padding: 0 0 .6rem; color: var(--soft); font-size: .875rem; line-height: 1.4; }
.small p { margin: 0 0 .1rem; max-width: min(44rem, calc(100vw - 3.2rem)); position: sticky; left: 0; }
tfoot tr:first-child > * { border-top: 1.5px solid var(--ink); }
tfoot .strong > * { font-weight: 600; font-size: 1.15rem; color: var(--accent); }
.notes { margin: 0; padding-left: 1.1rem; }
.notes li { margin: .2rem 0; overflow-wrap: anywhere; }
.attention { margin-top: 2rem; padding: .9rem 1.4rem 1rem; background: var(--warn-soft); border-radius: .5rem; }
.attention h2 { margin-top: 0; color: var(--warn); }
footer { margin-top: 2.6rem; padding-top: .8rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: .8125rem; overflow-wrap: anywhere; }
@media (max-width: 36rem) { main { margin: 0; border-radius: 0; } address { text-align: start; }
  .facts { grid-template-columns: 1fr; } .facts dd { border-top: 0; padding-top: 0; } .highlights div:last-child { text-align: start; } }
@page { size: A4; margin: 16mm 15mm; }
@media print {
  .small p { max-width: 44rem; position: static; }
  :root { color-scheme: light; --ink: #17211c; --soft: #56635c; --line: #d5ddd8; --paper: #fff; --desk: #fff;
    --accent: #0b6b43; --accent-soft: #e8f3ed; --warn: #7a4a00; --warn-soft: #fdf3e1; }
  html { font-size: 10.5pt; }
  main { max-width: none; margin: 0; padding: 0; border: 0; box-shadow: none; }
  .highlights, .attention { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; }
  tbody, tfoot, .facts dt, .facts dd, .whole { break-inside: avoid; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; }
  .scroll { overflow: visible; }
}
`;
