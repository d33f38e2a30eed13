/** Wall displays as people manage them. Each throws ApiFailure. */
import {
  displaySchema,
  type ClaimDisplayInput,
  type Display,
  type DisplayCommandInput,
  type UpdateDisplayInput,
} from '#contracts/displays';
import { pageOf } from '#contracts/primitives';
import { answer, answerEmpty, api } from './client.ts';
import { paged, type Page, type TenantScope } from './fleet.ts';

const pageSchema = pageOf(displaySchema);

export const listDisplays = async (query: TenantScope & { page?: number; pageSize?: number }): Promise<Page<Display>> =>
  pageSchema.parse(await answer(api.GET('/api/v1/displays', { params: { query: paged(query) } })));

/** Pairs the screen that shows the code, or refuses it (`deny`). */
export const claimDisplay = (scope: TenantScope, input: ClaimDisplayInput): Promise<void> =>
  answerEmpty(api.POST('/api/v1/displays/claim', { params: { query: scope }, body: input }));

export const updateDisplay = async (scope: TenantScope, id: string, input: UpdateDisplayInput): Promise<Display> =>
  displaySchema.parse(
    (await answer(api.PATCH('/api/v1/displays/{id}', { params: { path: { id }, query: scope }, body: input }))).data,
  );

/** True when the screen heard it at once. */
export const commandDisplay = async (scope: TenantScope, id: string, input: DisplayCommandInput): Promise<boolean> =>
  (await answer(api.POST('/api/v1/displays/{id}/commands', { params: { path: { id }, query: scope }, body: input })))
    .data.isDelivered;

export const unpairDisplay = (scope: TenantScope, id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/displays/{id}', { params: { path: { id }, query: scope } }));
