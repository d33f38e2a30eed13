/**
 * One letter, two forms. Both are made from the same words, so that neither says more than the other. The HTML is what
 * mail programs of all ages show: tables for layout, styles inline, nothing loaded from anywhere, nothing counted.
 */
import { html, type Html } from './html.ts';

export interface Letter {
  subject: string;
  /** What happened, or what is asked, in one line. */
  heading: string;
  paragraphs: readonly string[];
  /** Label and value, one below the other. */
  facts?: readonly (readonly [label: string, value: string])[];
  action?: { label: string; link: string; until: string | null };
  /** What to do when this comes as a surprise. */
  ifUnexpected: string;
  /** Completes "You get this message because …". */
  because: string;
}

export interface Sender {
  publicUrl: string;
  /** The address it goes to. */
  to: string;
}

const font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const text = `${font};font-size:16px;line-height:24px;color:#1f2933;margin:0 0 16px`;
const small = `${font};font-size:13px;line-height:20px;color:#52606d;margin:0 0 8px`;

/** Programs that honour it turn dark; the others keep colours that stand on their own. */
const darkStyles = html`<style>
  @media (prefers-color-scheme: dark) {
    .page {
      background-color: #14181d !important;
    }
    .card {
      background-color: #1e242b !important;
      border-color: #3a444f !important;
    }
    .words {
      color: #e6eaee !important;
    }
    .quiet {
      color: #aab4be !important;
    }
    .link {
      color: #8ec2ff !important;
    }
  }
</style>`;

const whyLine = (letter: Letter, sender: Sender): string =>
  `TruckIQ (${sender.publicUrl}) sent this to ${sender.to} because ${letter.because}. It is sent automatically; nobody reads replies to it.`;

const untilLine = ({ until }: { until: string | null }): string | null =>
  until === null ? null : `The link works until ${until}, and only once.`;

function button({ label, link, until }: NonNullable<Letter['action']>): Html {
  const ends = untilLine({ until });
  return html` <table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px">
      <tr>
        <td style="background-color:#0b5cad;border-radius:6px">
          <a
            href="${link}"
            style="${font};display:inline-block;padding:12px 22px;font-size:16px;line-height:24px;font-weight:600;color:#ffffff;text-decoration:none"
            >${label}</a
          >
        </td>
      </tr>
    </table>
    <p class="quiet" style="${small}">
      If the button does not work, open this address:<br />
      <a class="link" href="${link}" style="color:#0b5cad;word-break:break-all">${link}</a>
    </p>
    ${ends === null ? null : html`<p class="words" style="${text}">${ends}</p>`}`;
}

const factsTable = (facts: NonNullable<Letter['facts']>): Html =>
  html` <table cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px">
    ${facts.map(
      ([label, value]) =>
        html` <tr>
          <th
            class="quiet"
            scope="row"
            align="left"
            style="${small};padding:2px 16px 2px 0;font-weight:400;vertical-align:top"
          >
            ${label}
          </th>
          <td class="words" style="${font};font-size:15px;line-height:22px;color:#1f2933;padding:2px 0">${value}</td>
        </tr>`,
    )}
  </table>`;

/** The letter as HTML. Every value is escaped; links stand only where `action` puts them. */
export function toHtml(letter: Letter, sender: Sender): string {
  const { subject, heading, paragraphs, facts, action, ifUnexpected } = letter;
  return html`<!doctype html>
    <html lang="en" dir="ltr">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>${subject}</title>
        ${darkStyles}
      </head>
      <body class="page" style="margin:0;padding:0;background-color:#f0f3f6">
        <table
          class="page"
          role="presentation"
          width="100%"
          cellpadding="0"
          cellspacing="0"
          border="0"
          style="background-color:#f0f3f6"
        >
          <tr>
            <td align="center" style="padding:24px 12px">
              <table
                class="card"
                role="presentation"
                width="100%"
                cellpadding="0"
                cellspacing="0"
                border="0"
                style="max-width:560px;background-color:#ffffff;border:1px solid #d8dee4;border-radius:8px"
              >
                <tr>
                  <td style="padding:28px">
                    <p class="quiet" style="${small};font-weight:700">TruckIQ</p>
                    <h1 class="words" style="${font};font-size:22px;line-height:30px;color:#1f2933;margin:0 0 16px">
                      ${heading}
                    </h1>
                    ${paragraphs.map((paragraph) => html`<p class="words" style="${text}">${paragraph}</p>`)}
                    ${facts === undefined ? null : factsTable(facts)} ${action === undefined ? null : button(action)}
                    <p class="words" style="${text}">${ifUnexpected}</p>
                  </td>
                </tr>
              </table>
              <table
                role="presentation"
                width="100%"
                cellpadding="0"
                cellspacing="0"
                border="0"
                style="max-width:560px"
              >
                <tr>
                  <td style="padding:16px 28px">
                    <p class="quiet" style="${small}">${whyLine(letter, sender)}</p>
                  </td>
                </tr>
              </table>
            </td>
          </tr>
        </table>
      </body>
    </html> `.markup;
}

/** The same letter as plain text. */
export function toText(letter: Letter, sender: Sender): string {
  const { heading, paragraphs, facts, action, ifUnexpected } = letter;
  const until = action === undefined ? null : untilLine(action);
  const blocks = [
    heading,
    ...paragraphs,
    ...(facts === undefined ? [] : [facts.map(([label, value]) => `${label}: ${value}`).join('\n')]),
    ...(action === undefined ? [] : [`${action.label}:\n${action.link}`]),
    ...(until === null ? [] : [until]),
    ifUnexpected,
    `-- \n${whyLine(letter, sender)}`,
  ];
  return `${blocks.join('\n\n')}\n`;
}
