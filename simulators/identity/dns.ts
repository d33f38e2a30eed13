/**
 * The name server beside the identity provider: answers `GET /dns-query?name=…&type=TXT` the way Cloudflare's resolver does
 * in JSON, from records put by `POST /control/dns`. Strict where a careless client would get away with it elsewhere.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

const path = '/dns-query';
const jsonType = 'application/dns-json';
const txtType = 16;
const ttlSeconds = 300;
/** A string of a TXT record holds this many bytes; a longer text is several strings. */
const longestString = 255;

/** What stands at a name. Without any of the others, `texts` are its TXT records. */
export interface DnsEntry {
  texts?: string[];
  /** Instead of a right answer: this JSON, this text, this status, after this long. */
  answer?: unknown;
  body?: string;
  status?: number;
  delayMs?: number;
}

export interface NameServer {
  /** `POST /control/dns` {"name", …DnsEntry}; an entry without anything takes the name away. */
  put(input: Record<string, unknown>): Record<string, unknown>;
  /** True when the request was for the name server, which has then answered it. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** A text as resolvers write it: in quotes, in pieces. */
function quoted(text: string): string {
  const pieces = text.match(new RegExp(`.{1,${longestString}}`, 'gs')) ?? [''];
  return pieces.map((piece) => `"${piece.replace(/["\\]/g, '\\$&')}"`).join(' ');
}

export function createNameServer(): NameServer {
  const entries = new Map<string, DnsEntry>();

  function respond(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    const refuse = (status: number, error: string): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    };
    if (request.method !== 'GET') return refuse(405, 'only GET');
    if (request.headers.accept !== jsonType) return refuse(406, `accept must be ${jsonType}`);
    const name = plainName(query.get('name') ?? '');
    if (
      !/^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(
        name,
      )
    )
      return refuse(400, 'name must be a domain name');
    if (!['TXT', String(txtType)].includes(query.get('type') ?? '')) return refuse(400, 'only TXT is known here');
    const entry = entries.get(name);
    const question = { name: `${name}.`, type: txtType };
    const records = (entry?.texts ?? []).map((text) => ({ ...question, TTL: ttlSeconds, data: quoted(text) }));
    const right = {
      ...{ Status: entry === undefined ? 3 : 0, TC: false, RD: true, RA: true, AD: false, CD: false },
      Question: [question],
      ...(records.length === 0 ? {} : { Answer: records }),
    };
    const send = (): void => {
      response.writeHead(entry?.status ?? 200, { 'content-type': jsonType });
      response.end(entry?.body ?? JSON.stringify(entry?.answer ?? right));
    };
    if (entry?.delayMs === undefined) send();
    else setTimeout(send, entry.delayMs).unref();
  }

  return {
    put({ name, ...entry }) {
      const key = plainName(String(name));
      if (Object.keys(entry).length === 0) entries.delete(key);
      else entries.set(key, entry as DnsEntry);
      return { name: key };
    },
    handle(request, response) {
      const url = new URL(request.url ?? '/', 'http://name-server');
      if (url.pathname !== path) return false;
      respond(request, response, url.searchParams);
      return true;
    },
  };
}
