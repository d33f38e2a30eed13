/** Asking another organisation for a link. */
import { createDealerLinkInputSchema } from '#contracts/dealer-links';
import { Form } from '../state/form.svelte.ts';

export type AskForm = ReturnType<typeof askForm>;
export const askForm = (send: (otherId: string) => Promise<void>) =>
  new Form({
    values: { tenantId: '' },
    schema: createDealerLinkInputSchema,
    toInput: ({ tenantId }) => ({ tenantId: tenantId.trim().toLowerCase() }),
    send: ({ tenantId }) => send(tenantId),
    words: { tenantId: 'This is no organisation id; it looks like 019b12ab-…' },
    explain: (failure) =>
      failure.code === 'NOT_FOUND'
        ? 'No organisation has this id. Ask the other side to copy it from this page.'
        : null,
  });
