/** How pages look that commands write: self-contained, light and dark, readable in print. */

export const PAGE_STYLE = `
:root { color-scheme: light dark;
  --ground: light-dark(#ffffff, #0b1220); --panel: light-dark(#f3f6f9, #131c2e); --line: light-dark(#d4dce4, #2a364c);
  --ink: light-dark(#16202b, #e8eef5); --dim: light-dark(#4d5b69, #9fb0c3);
  --charging: light-dark(#0b7a4b, #3ddc97); --waiting: light-dark(#b87900, #f2c14e); --idle: light-dark(#1459b8, #6cb4ff);
  --fault: light-dark(#b3261e, #ff6b5e); --other: light-dark(#8a97a5, #6b7a8f); }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.5rem 4rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; } p { margin: .25rem 0; }
.dim { color: var(--dim); } .small { font-size: .875rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 1.5rem 0 1rem; }
dl div { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
dt { color: var(--dim); font-size: .875rem; } dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: .875rem; line-height: 1.3; color: var(--dim); }
svg { display: block; width: 100%; height: auto; margin-top: .75rem; overflow: visible; } svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; margin-top: .75rem; }
th, td { padding: .3rem .35rem; text-align: right; vertical-align: bottom; border-bottom: 1px solid var(--line); }
td { white-space: nowrap; } th { color: var(--dim); font-weight: 600; } th:first-child, td:first-child { text-align: left; } .wide tr:last-child td { font-weight: 600; border: 0; }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .5rem 0 0; font-size: .875rem; }
ul.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .4rem; vertical-align: -.05rem; }
@media print { body { max-width: none; padding: 0; } dl div { break-inside: avoid; } }
`;
