/** The reference page's one style sheet: system fonts, both colour schemes, from a phone's width up. */
export const pageStyle = `
:root { color-scheme: light dark;
  --ground: #fbfaf7; --ink: #1d1c1a; --soft: #5c5850; --line: #ddd7ca; --raised: #f2efe8; --accent: #8a3b12; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #161513; --ink: #edeae3; --soft: #aaa498; --line: #3a372f; --raised: #211f1b; --accent: #f0a37a; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.2; text-wrap: balance; }
h1 { margin: 0 0 .5rem; font-size: 2rem; }
h2 { margin: 0 0 .5rem; font-size: 1.35rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; color: var(--soft); }
p { margin: .5rem 0; max-width: 65ch; }
a { color: var(--accent); }
a:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--ground); }
.mark { margin: 0; color: var(--soft); letter-spacing: .08em; text-transform: uppercase; font-size: .85rem; }
.line { font-size: 1.05rem; }
.method { display: inline-block; padding: 0 .5rem; border: 1px solid var(--accent); border-radius: .25rem;
  color: var(--accent); font: 600 .85rem/1.6 ui-monospace, monospace; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
pre { margin: .5rem 0; padding: 1rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line);
  border-radius: .375rem; line-height: 1.45; }
pre code { overflow-wrap: normal; }
nav ul { list-style: none; margin: 1rem 0; padding: 0; columns: 14rem; }
nav a { display: inline-block; padding: .3rem 0; }
section { padding: 2rem 0; border-top: 1px solid var(--line); }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { width: 100%; border-collapse: collapse; text-align: left; font-size: .95rem; }
caption { text-align: left; color: var(--soft); font-weight: 600; padding-bottom: .25rem; }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { min-width: 4.5rem; }
td:last-child { min-width: 12rem; }
tbody th { font-weight: 400; }
tbody th code { white-space: nowrap; }
tr:has(:target) { background: var(--raised); }
@media (min-width: 60rem) {
  .columns { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 3rem; }
  nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; }
  nav ul { columns: auto; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
`
