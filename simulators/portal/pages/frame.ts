/** The frame around every portal page: head, style, navigation. */
import { html, raw } from 'hono/html';

export type Html = ReturnType<typeof html>;

const style = `
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;font:15px/1.5 "Helvetica Neue",Arial,sans-serif;color:#1d2733;background:#f3f5f7}
header{display:flex;gap:24px;align-items:center;padding:0 24px;height:56px;background:#11243a;color:#fff}
header a{color:#cfdbe8;text-decoration:none}header strong{letter-spacing:.04em}header .who{margin-left:auto;color:#9fb3c8}
main{max-width:1180px;margin:24px auto;padding:0 24px}h1{font-size:22px;margin:0 0 16px}
table{width:100%;border-collapse:collapse;background:#fff;border:1px solid #dfe4ea}
th,td{padding:9px 12px;text-align:left;border-bottom:1px solid #e8ecf0;overflow-wrap:anywhere}th{background:#eef2f5;font-weight:600}
.card,.asset-row,.fault-row{background:#fff;border:1px solid #dfe4ea;border-radius:4px;padding:14px 16px;margin-bottom:10px;overflow-wrap:anywhere}
.asset-row span{display:inline-block;margin-right:20px}.asset-row .label{color:#66788a;margin-right:6px}
.fault-row.active,tr.active{border-left:4px solid #c8381e}.fault-row.inactive,tr.inactive{color:#66788a}
dl{display:grid;grid-template-columns:170px 1fr;gap:6px 16px}dt{color:#66788a}dd{margin:0}
.sign-in{max-width:380px;margin:72px auto}.sign-in label{display:block;margin-top:12px}
input[type=text],input[type=password]{width:100%;padding:9px;border:1px solid #b9c4cf;border-radius:4px;font:inherit}
button{margin-top:16px;padding:9px 18px;border:0;border-radius:4px;background:#1c5fa8;color:#fff;font:inherit}
.alert-danger{background:#fde8e4;border:1px solid #eab3a8;color:#8a2412;padding:10px 12px;border-radius:4px}
.notice{background:#e8f1fb;border:1px solid #b5d0ee;padding:10px 12px;border-radius:4px}
.pager{display:flex;gap:16px;margin-top:14px}.no-faults{color:#2b6b3f}
`;

/** A whole document; `company` is null before anybody signed in. */
export function frame(title: string, company: string | null, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} | PACCAR Solutions</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <header>
          <strong>PACCAR Solutions</strong>${
            company === null
              ? ''
              : html`<a href="/dashboard">Dashboard</a> <a href="/assets">Assets</a> <span class="who">${company}</span>
                  <a href="/logout">Sign out</a>`
          }
        </header>
        <main>${body}</main>
      </body>
    </html> `;
}

/** A page that only says something: not found, too many requests, a server error. */
export function messagePage(title: string, text: string): Html {
  return frame(
    title,
    null,
    html`<div class="card">
      <h1>${title}</h1>
      <p>${text}</p>
    </div>`,
  );
}
