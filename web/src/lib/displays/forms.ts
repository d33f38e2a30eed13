/** The forms of the displays page. What they send is handed in. */
import {
  claimDisplayInputSchema,
  updateDisplayInputSchema,
  userCodeSchema,
  type ClaimDisplayInput,
  type Display,
  type DisplayLayout,
  type UpdateDisplayInput,
} from '#contracts/displays';
import { Form } from '../state/form.svelte.ts';

const words = {
  userCode: 'Enter the six signs on the screen, like ABC-234. There is no 0, O, 1, I or L among them.',
  name: 'Give the screen a name, so that you find it in the hall.',
  locationName: 'Say where it hangs.',
};

/** What a link or a hand brought, as the screen shows it; unchanged where it is no code (yet). */
export function codeAsShown(typed: string): string {
  const parsed = userCodeSchema.safeParse(typed);
  return parsed.success ? parsed.data : typed.toUpperCase().slice(0, 20);
}

export type PairForm = ReturnType<typeof pairForm>;
export const pairForm = (send: (input: ClaimDisplayInput) => Promise<void>) =>
  new Form({
    values: { userCode: '', name: '', locationName: '', layout: 'attention' as DisplayLayout },
    schema: claimDisplayInputSchema,
    send,
    words,
    explain: ({ code, message }) => (code === 'NOT_FOUND' || code === 'CONFLICT' ? message : null),
  });

/** Nothing but the code: whose screen it is need not be known to refuse it. */
export const denyForm = (send: (input: ClaimDisplayInput) => Promise<void>) =>
  new Form({
    values: { userCode: '' },
    schema: claimDisplayInputSchema,
    toInput: ({ userCode }) => ({ userCode, deny: true }),
    send,
    words,
    explain: ({ code, message }) => (code === 'NOT_FOUND' ? message : null),
  });

export type DisplayForm = ReturnType<typeof displayForm>;
/** Sends only what differs. */
export const displayForm = (
  display: Pick<Display, 'name' | 'locationName'>,
  send: (input: UpdateDisplayInput) => Promise<void>,
) =>
  new Form({
    values: { name: display.name, locationName: display.locationName },
    schema: updateDisplayInputSchema,
    toInput: ({ name, locationName }) => ({
      ...(name.trim() === display.name ? {} : { name }),
      ...(locationName.trim() === display.locationName ? {} : { locationName }),
    }),
    send,
    words,
  });
