/** Served as a file of its own, so that the content security policy needs no exception for styles in the page. */
export const style = `:root {
  color-scheme: light dark;
  --page: #f6f7f9;
  --card: #ffffff;
  --line: #d9dde3;
  --text: #1b2027;
  --muted: #566070;
  --link: #0b57b0;
  --open: #17693a;
  --open-tint: #e2f4e8;
  --closed: #9a2a1f;
  --closed-tint: #fbe9e6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #13161b;
    --card: #1c2027;
    --line: #343b46;
    --text: #e7eaef;
    --muted: #a3adbb;
    --link: #8cbcff;
    --open: #86dba4;
    --open-tint: #16341f;
    --closed: #ffa89d;
    --closed-tint: #43201c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 54rem;
  padding: 0 1.25rem 2rem;
  background: var(--page);
  color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif;
}
a { color: var(--link); text-underline-offset: .2em; }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 3px; border-radius: 2px; }
code, dd, .doors a { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
code { font-size: .85em; overflow-wrap: anywhere; }
header {
  display: flex;
  flex-wrap: wrap;
  gap: .5rem 2rem;
  align-items: center;
  justify-content: space-between;
  padding: 1rem 0;
  border-bottom: 1px solid var(--line);
}
.brand { display: inline-flex; gap: .6rem; align-items: center; font-weight: 600; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
nav a { padding: .25rem 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { color: var(--text); font-weight: 600; box-shadow: 0 2px var(--link); }
h1 { margin: 2rem 0 .25rem; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 0 0 .75rem; font-size: 1.1rem; }
p { margin: .5rem 0; }
.lead { margin-bottom: 1.5rem; color: var(--muted); }
section {
  margin: 1.25rem 0;
  padding: 1.1rem 1.25rem;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: .6rem;
}
.doors { margin: 0; padding: 0; list-style: none; }
.doors li {
  display: grid;
  grid-template-columns: 7rem 1fr auto;
  gap: .15rem 1rem;
  align-items: center;
  padding: .6rem 0;
}
.doors li + li, dl div + div { border-top: 1px solid var(--line); }
.wants, .reason { color: var(--muted); }
.reason { grid-column: 2 / -1; font-size: .92rem; }
.verdict { padding: .1rem .7rem; border-radius: 1rem; font-size: .9rem; font-weight: 600; white-space: nowrap; }
.open { background: var(--open-tint); color: var(--open); }
.closed { background: var(--closed-tint); color: var(--closed); }
dl { margin: 0; }
dl div { display: grid; grid-template-columns: 11rem 1fr; gap: 0 1rem; padding: .4rem 0; }
dt { color: var(--muted); }
dd { margin: 0; font-size: .9rem; line-height: 1.7; overflow-wrap: anywhere; }
.line { display: block; }
footer { margin-top: 2rem; color: var(--muted); font-size: .9rem; }
@media (max-width: 36rem) {
  .doors li { grid-template-columns: 1fr auto; }
  .wants, .reason { grid-column: 1 / -1; }
  .verdict { grid-column: 2; grid-row: 1; }
  dl div { grid-template-columns: 1fr; }
}
`;

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#4a86d8" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="M3 21V10a9 9 0 0 1 18 0v11M8 4v15.500M12 2v18M16 4v15.500M3 10h18M3 15h18"/></svg>
`;
