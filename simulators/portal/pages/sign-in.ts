/** Sign-in, the code after it, and the agreement a first sign-in has to accept. */
import { html } from 'hono/html';
import { frame, type Html } from './frame.ts';

const problem = (text: string | null): Html | string =>
  text === null ? '' : html`<div class="alert alert-danger" role="alert">${text}</div>`;

export function loginPage(options: { token: string; error: string | null; isExpired: boolean }): Html {
  return frame(
    'Sign in',
    null,
    html`<form class="card sign-in" method="post" action="/login">
      <h1>Sign in</h1>
      ${options.isExpired ? html`<p class="notice">Your session has ended. Please sign in again.</p>` : ''}
      ${problem(options.error)}
      <input type="hidden" name="_csrf" value="${options.token}" />
      <label for="auth_key">User name</label>
      <input type="text" id="auth_key" name="auth_key" autocomplete="username" required />
      <label for="password">Password</label>
      <input type="password" id="password" name="password" autocomplete="current-password" required />
      <button type="submit">Sign in</button>
    </form>`,
  );
}

export function codePage(options: { token: string; error: string | null }): Html {
  return frame(
    'Two-factor verification',
    null,
    html`<form class="card sign-in" method="post" action="/login/verify">
      <h1>Two-factor verification</h1>
      ${problem(options.error)}
      <p>Enter the six digits your authenticator app shows.</p>
      <input type="hidden" name="_csrf" value="${options.token}" />
      <label for="code">Verification code</label>
      <input
        type="text"
        id="code"
        name="code"
        inputmode="numeric"
        autocomplete="one-time-code"
        placeholder="6-digit code"
        required
      />
      <button type="submit">Verify</button>
    </form>`,
  );
}

export function policiesPage(options: { token: string; error: string | null }): Html {
  return frame(
    'Policies & Agreements',
    null,
    html`<form class="card" method="post" action="/policies">
      <h1>Policies &amp; Agreements</h1>
      ${problem(options.error)}
      <p>Before you continue, please read and accept the terms of use and the privacy policy of this portal.</p>
      <input type="hidden" name="_csrf" value="${options.token}" />
      <label
        ><input type="checkbox" id="accept" name="accept" value="yes" /> I have read and accept the Policies &amp;
        Agreements</label
      >
      <br />
      <button type="submit">Accept and continue</button>
    </form>`,
  );
}
