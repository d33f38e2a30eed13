/** The provider's own few pages: choose a person, sign out. */
import type { IdentityPerson } from './people.ts';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <style>
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem; color: #1c2430; }
      h1 { font-size: 1.4rem; }
      form { margin: 0; }
      button { font: inherit; display: block; width: 100%; text-align: left; margin: 0 0 0.5rem; padding: 0.7rem 1rem;
        border: 1px solid #c8d0da; border-radius: 0.5rem; background: #fff; cursor: pointer; }
      button:hover { border-color: #2563eb; }
      small { display: block; color: #56616f; }
    </style>
  </head>
  <body>
    <h1>${title}</h1>
    ${body}
  </body>
</html>
`;

/** The sign-in page of one interaction: nobody has a password here. */
export const choosePage = (people: readonly IdentityPerson[], action: string, clientId: string): string =>
  page(
    'Simulated identity provider',
    `<p>Who is signing in to <b>${escaped(clientId)}</b>?</p>
    <form method="post" action="${escaped(action)}">
      ${people
        .map(
          ({ id, name, email }) =>
            `<button name="person" value="${escaped(id)}">${escaped(name)}<small>${escaped(email ?? 'no address')}</small></button>`,
        )
        .join('\n      ')}
      <button name="cancel" value="yes">Cancel</button>
    </form>`,
  );

/** `form` is the provider's, with what protects it from other sites. */
export const signOutPage = (form: string): string =>
  page(
    'Sign out',
    `<p>Every application that you signed in to is told.</p>${form}
    <button form="op.logoutForm" name="logout" value="yes">Sign out everywhere</button>`,
  );

export const homePage = (issuer: string): string =>
  page(
    'Simulated identity provider',
    `<p>Issuer: <code>${escaped(issuer)}</code></p><p><a href="/session/end">Sign out</a></p>`,
  );

export const messagePage = (title: string, text: string): string => page(escaped(title), `<p>${escaped(text)}</p>`);
