/** What a screen asks of the API: to be paired, and with its token to be told what it shows. Each throws ApiFailure. */
import {
  deviceCodeSchema,
  displayTokenSchema,
  ownBoardSchema,
  type DeviceCode,
  type DisplayToken,
  type OwnBoard,
} from '#contracts/displays';
import { liveTicketSchema, type LiveTicket } from '#contracts/live';
import { answer, createApi } from '../api/client.ts';
import { failureFrom, networkFailure } from '../api/failure.ts';

/** An answer that takes longer is none: a screen asks again by itself. */
const answerWithinMs = 15_000;

const timed = (request: Request): Promise<Response> =>
  fetch(new Request(request, { signal: AbortSignal.timeout(answerWithinMs), credentials: 'omit' }));

/** Nobody is signed in here: no cookie goes along, and no session of the browser's is touched. */
const openApi = createApi(timed, location.origin);

export const askCode = async (): Promise<DeviceCode> =>
  deviceCodeSchema.parse((await answer(openApi.POST('/api/v1/displays/device-code', {}))).data);

export const askToken = async (deviceCode: string): Promise<DisplayToken> =>
  displayTokenSchema.parse((await answer(openApi.POST('/api/v1/displays/token', { body: { deviceCode } }))).data);

export interface DisplayApi {
  /** null: unchanged since the last answer. */
  readOwn: () => Promise<OwnBoard | null>;
  openTicket: () => Promise<LiveTicket>;
}

/** Questions with a display's token. */
export function displayApi(token: string): DisplayApi {
  const withToken = (request: Request): Promise<Response> => {
    request.headers.set('Authorization', `Bearer ${token}`);
    return timed(request);
  };
  const api = createApi(withToken, location.origin);
  let tag: string | null = null;
  return {
    async readOwn() {
      const headers = tag === null ? {} : { 'If-None-Match': tag };
      let outcome;
      try {
        outcome = await api.GET('/api/v1/displays/me', { headers });
      } catch {
        throw networkFailure();
      }
      const { response } = outcome;
      if (response.status === 304) return null;
      if (!response.ok || outcome.data === undefined) throw failureFrom(response, outcome.error);
      const own = ownBoardSchema.parse(outcome.data.data);
      tag = response.headers.get('ETag');
      return own;
    },
    openTicket: async () => liveTicketSchema.parse((await answer(api.POST('/api/v1/live/tickets', {}))).data),
  };
}
