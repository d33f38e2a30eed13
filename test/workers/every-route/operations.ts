/** Every operation of the API, read from its own document, so that a new route is tested the day it is written. */
import type { Permission } from '#contracts/roles';
import { createApp } from '#worker/app';
import { openApiDocument } from '#worker/openapi';

export interface Operation {
  method: string;
  /** Path under the origin, e.g. `/api/v1/vehicles/{id}`. */
  path: string;
  /** undefined for a public route; null where being signed in is enough. */
  permission: Permission | null | undefined;
  callers: 'anyone' | 'people' | 'displays' | undefined;
  /** Wall displays are let in besides the callers. */
  displaysToo: boolean;
  takesBody: boolean;
  queryNames: string[];
  /** Fields of the body that hold an id, e.g. `tenantId` or `positions[].vehicleId`. */
  idsInBody: string[];
}

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

type Json = Record<string, unknown>;
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where a JSON schema holds a UUID, as paths of field names. */
function idFields(schema: unknown, document: Json, at = ''): string[] {
  if (!isJson(schema)) return [];
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const target = reference
      .slice(2)
      .split('/')
      .reduce<unknown>((node, key) => (isJson(node) ? node[key] : undefined), document);
    return idFields(target, document, at);
  }
  if (typeof schema['pattern'] === 'string' && schema['pattern'].includes('-7[0-9a-f]{3}-')) return [at];
  const inProperties = isJson(schema['properties'])
    ? Object.entries(schema['properties']).flatMap(([name, inner]) =>
        idFields(inner, document, at === '' ? name : `${at}.${name}`),
      )
    : [];
  const alternatives = [schema['anyOf'], schema['oneOf'], schema['allOf']].flatMap((list) =>
    Array.isArray(list) ? list.flatMap((inner) => idFields(inner, document, at)) : [],
  );
  return [...new Set([...inProperties, ...alternatives, ...idFields(schema['items'], document, `${at}[]`)])];
}

export function listOperations(): Operation[] {
  const document = openApiDocument(createApp()) as unknown as Json;
  const paths = isJson(document['paths']) ? document['paths'] : {};
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method): Operation[] => {
      const operation = isJson(item) ? item[method] : undefined;
      if (!isJson(operation)) return [];
      const parameters = Array.isArray(operation['parameters']) ? operation['parameters'].filter(isJson) : [];
      const content = isJson(operation['requestBody']) ? operation['requestBody']['content'] : undefined;
      const json = isJson(content) ? content['application/json'] : undefined;
      return [
        {
          method: method.toUpperCase(),
          path,
          permission: operation['x-permission'] as Permission | null | undefined,
          callers: operation['x-callers'] as Operation['callers'],
          displaysToo: operation['x-displays'] === true,
          takesBody: content !== undefined,
          queryNames: parameters.filter(({ in: place }) => place === 'query').map(({ name }) => String(name)),
          idsInBody: isJson(json) ? idFields(json['schema'], document) : [],
        },
      ];
    }),
  );
}
