/** The inbox as a person sees it: the list on the left, the message on the right. */
import { html, raw } from 'hono/html';
import type { MailSummary, StoredMail } from './mailbox.ts';

type Markup = ReturnType<typeof html>;

/** More would be a page nobody reads; the filter finds the rest. */
const mostShown = 200;

export interface InboxView {
  /** Newest first, already filtered. */
  mails: readonly MailSummary[];
  /** All there are. */
  total: number;
  /** What the address or the subject must contain; empty for all. */
  filter: string;
  selectedId: string | null;
}

export type MessageTab = 'message' | 'text';

const queryOf = (filter: string): string => (filter === '' ? '' : `?q=${encodeURIComponent(filter)}`);

const clock = (at: string): Markup => html`<time datetime="${at}">${at.slice(0, 19).replace('T', ' ')} UTC</time>`;

/** The list alone: what the page asks for every two seconds. */
export function listFragment({ mails, total, filter, selectedId }: InboxView): Markup {
  if (total === 0) {
    return html`<p class="empty">
      No mail yet. Ask for a new password on the sign-in page, or invite somebody under People: the message appears here
      within a second.
    </p>`;
  }
  if (mails.length === 0) return html`<p class="empty">Nothing to or about “${filter}”.</p>`;
  const rows = mails.slice(0, mostShown).map(
    (mail) =>
      html`<li>
        <a href="/messages/${mail.id}${queryOf(filter)}" ${mail.id === selectedId ? raw('aria-current="true"') : ''}>
          <span class="line"><span class="to">${mail.to}</span>${clock(mail.at)}</span>
          <span class="subject">${mail.subject}</span>
          <span class="preview">${mail.preview}</span>
        </a>
      </li>`,
  );
  const hidden = mails.length - rows.length;
  return html`<ol>
      ${rows}
    </ol>
    ${hidden > 0 ? html`<p class="empty">${hidden} older ones are not shown: narrow the search.</p>` : ''}`;
}

/** Mail comes from strangers' words: it is shown without scripts, without anything loaded, in an origin of its own. */
const frameHead =
  `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">` +
  `<base target="_blank">`;

/** Text with its addresses as links. */
function withLinks(text: string): Markup[] {
  return text
    .split(/(https?:\/\/[^\s<>"()]*[^\s<>"().,;:!?])/)
    .map((part, at) =>
      at % 2 === 1 ? html`<a href="${part}" target="_blank" rel="noopener noreferrer">${part}</a>` : html`${part}`,
    );
}

function tab(mail: StoredMail, view: InboxView, name: MessageTab, current: MessageTab, label: string): Markup {
  const query = new URLSearchParams({
    ...(view.filter === '' ? {} : { q: view.filter }),
    ...(name === 'text' ? { view: 'text' } : {}),
  }).toString();
  const href = `/messages/${mail.id}${query === '' ? '' : `?${query}`}`;
  return html`<a href="${href}" ${name === current ? raw('aria-current="page"') : ''}>${label}</a>`;
}

export function messagePane(mail: StoredMail, view: InboxView, chosen: MessageTab): Markup {
  const current = mail.html === '' ? 'text' : chosen;
  const body =
    current === 'text'
      ? html`<pre class="body">${withLinks(mail.text)}</pre>`
      : html`<iframe
          class="body"
          title="The message"
          sandbox="allow-popups allow-popups-to-escape-sandbox"
          referrerpolicy="no-referrer"
          srcdoc="${frameHead + mail.html}"
        ></iframe>`;
  return html`<header>
      <h2>${mail.subject}</h2>
      <p>To <strong>${mail.to}</strong> · ${clock(mail.at)}</p>
      <nav aria-label="Form of the message">
        ${tab(mail, view, 'message', current, 'Message')} ${tab(mail, view, 'text', current, 'Plain text')}
      </nav>
    </header>
    ${body}`;
}

const nothingChosen = (view: InboxView): Markup =>
  view.total === 0
    ? html`<p class="empty">
        Every message that the platform would send arrives here instead of with people. Nothing leaves this machine.
      </p>`
    : html`<p class="empty">Choose a message.</p>`;

/** The whole page; `pane` is the right side. */
export function inboxPage(view: InboxView, pane: Markup | null): Markup {
  const title = pane === null ? 'Mail' : 'Message';
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · TruckIQ mail simulator</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/inbox.css" />
        <script src="/inbox.js" defer></script>
      </head>
      <body class="${pane === null ? 'at-list' : 'at-message'}">
        <header class="top">
          <h1><a href="/">Mail</a></h1>
          <p>Every message that TruckIQ would send</p>
          <form role="search" action="/" method="get">
            <label for="q">Find</label>
            <input
              id="q"
              name="q"
              type="search"
              value="${view.filter}"
              placeholder="address or subject"
              maxlength="200"
            />
          </form>
        </header>
        <main>
          <section class="list" aria-label="Messages">
            <p id="count" class="count" role="status">${view.total === 1 ? '1 message' : `${view.total} messages`}</p>
            <div id="list" data-query="${view.filter}" data-selected="${view.selectedId ?? ''}">
              ${listFragment(view)}
            </div>
          </section>
          <section class="message" aria-label="Message">${pane ?? nothingChosen(view)}</section>
        </main>
      </body>
    </html>`;
}
