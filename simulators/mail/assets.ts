/** The inbox page's style and script. */

export const inboxCss = `
:root { color-scheme: light dark; --page: #f3f5f7; --card: #fff; --line: #d5dbe1; --words: #1c232b; --quiet: #5a6672; --accent: #0b5cad; --chosen: #e3eefa; }
@media (prefers-color-scheme: dark) { :root { --page: #12161a; --card: #1a2026; --line: #333d47; --words: #e4e9ee; --quiet: #9ba8b4; --accent: #84bcff; --chosen: #1e344b; } }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: var(--page); color: var(--words); font: 15px/1.45 -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.top { display: flex; align-items: center; gap: 8px 20px; flex-wrap: wrap; padding: 10px 20px; background: var(--card); border-bottom: 1px solid var(--line); }
.top h1 { margin: 0; font-size: 18px; }
.top h1 a { color: inherit; text-decoration: none; }
.top p { margin: 0; color: var(--quiet); flex: 1; }
.top label { color: var(--quiet); margin-right: 6px; }
.top input { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: 6px 10px; width: 240px; max-width: 60vw; }
main { flex: 1; min-height: 0; display: grid; grid-template-columns: minmax(280px, 380px) 1fr; }
.list { overflow-y: auto; border-right: 1px solid var(--line); background: var(--card); }
.count { margin: 0; padding: 10px 20px; color: var(--quiet); font-size: 13px; border-bottom: 1px solid var(--line); }
ol { list-style: none; margin: 0; padding: 0; }
li a { display: grid; gap: 2px; padding: 10px 20px; border-bottom: 1px solid var(--line); color: inherit; text-decoration: none; }
li a:focus-visible { outline-offset: -2px; }
li a:hover, li a[aria-current] { background: var(--chosen); }
.line { display: flex; justify-content: space-between; gap: 12px; font-size: 13px; color: var(--quiet); }
.line .to { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.line time { white-space: nowrap; }
.subject { font-weight: 600; overflow-wrap: anywhere; }
.preview { color: var(--quiet); font-size: 13px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.empty { padding: 24px 20px; margin: 0; color: var(--quiet); max-width: 46ch; }
.message { min-width: 0; display: flex; flex-direction: column; }
.message header { padding: 16px 20px 0; border-bottom: 1px solid var(--line); background: var(--card); }
.message h2 { margin: 0 0 4px; font-size: 18px; overflow-wrap: anywhere; }
.message header p { margin: 0 0 10px; color: var(--quiet); overflow-wrap: anywhere; }
.message nav { display: flex; gap: 20px; }
.message nav a { padding: 6px 2px 8px; text-decoration: none; color: var(--quiet); border-bottom: 2px solid transparent; }
.message nav a[aria-current] { color: var(--accent); border-color: var(--accent); font-weight: 600; }
.body { flex: 1; min-height: 0; width: 100%; border: 0; margin: 0; }
pre.body { padding: 20px; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.5 ui-monospace, Menlo, Consolas, monospace; }
@media (max-width: 760px) {
  main { display: block; overflow-y: auto; }
  .list { border-right: 0; }
  .at-message .list { display: none; }
  .at-message main, .at-message .message { display: flex; flex-direction: column; flex: 1; }
  .at-list .message { display: none; }
}
`;

export const inboxJs = `
'use strict';
const list = document.getElementById('list');
const count = document.getElementById('count');
const sameDay = (a, b) => a.toDateString() === b.toDateString();
function localTimes() {
  for (const element of document.querySelectorAll('time')) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const isToday = sameDay(at, new Date());
    element.textContent = isToday ? at.toLocaleTimeString() : at.toLocaleString();
    element.title = at.toISOString();
  }
}
let shown = null;
async function refresh() {
  if (document.hidden) return;
  const query = new URLSearchParams({ q: list.dataset.query, selected: list.dataset.selected });
  try {
    const answer = await fetch('/list?' + query);
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    count.textContent = answer.headers.get('X-Messages');
    if (text === shown) return;
    const focused = document.activeElement && list.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    list.innerHTML = text;
    shown = text;
    localTimes();
    if (focused !== null) [...list.querySelectorAll('a')].find((a) => a.getAttribute('href') === focused)?.focus();
  } catch {
    count.textContent = 'The mail simulator does not answer; trying again.';
  }
}
localTimes();
setInterval(refresh, 1500);
document.addEventListener('visibilitychange', refresh);
`;
