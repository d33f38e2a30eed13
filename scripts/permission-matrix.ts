/** docs/permissions.md out of the API document and the table of roles. Pure. */
import { z } from 'zod';
import { permissions, permissionSchema, permissionsOf, roles, seesOnlyAssigned, type Role } from '#contracts/roles';

/** Routes that anybody may call. A new one is added here on purpose, or the check and a test fail. */
export const publicRoutes: readonly string[] = [
  'GET /api/health',
  'POST /api/v1/auth/accept-invitation',
  'POST /api/v1/auth/invitation-preview',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/oidc/lookup',
  'GET /api/v1/auth/oidc/{provider}/callback',
  'GET /api/v1/auth/oidc/{provider}/start',
  'POST /api/v1/auth/oidc/{provider}/backchannel-logout',
  'GET /api/v1/auth/options',
  'POST /api/v1/auth/password-reset',
  'POST /api/v1/auth/password-reset/confirm',
  'POST /api/v1/auth/refresh',
  'POST /api/v1/auth/sign-up',
  'POST /api/v1/displays/device-code',
  'POST /api/v1/displays/token',
  'POST /api/v1/setup',
];

const operationSchema = z.object({
  tags: z.array(z.string()).default(['Other']),
  summary: z.string().default(''),
  'x-permission': permissionSchema.nullable().optional(),
  'x-callers': z.enum(['anyone', 'people', 'displays']).optional(),
  'x-displays': z.boolean().default(false),
});
const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
const documentSchema = z.object({ paths: z.record(z.string(), z.partialRecord(z.enum(methods), operationSchema)) });

export interface RouteAccess {
  /** `GET /api/v1/users` */
  name: string;
  tag: string;
  summary: string;
  /** undefined: a public route; null: being signed in is enough. */
  permission: z.infer<typeof permissionSchema> | null | undefined;
  callers: 'anyone' | 'people' | 'displays' | undefined;
  /** Wall displays are let in besides the callers. */
  displaysToo: boolean;
}

/** Every route of the API document, in its order. */
export function routesOf(document: unknown): RouteAccess[] {
  const { paths } = documentSchema.parse(document);
  return Object.entries(paths).flatMap(([path, operations]) =>
    methods.flatMap((method) => {
      const operation = operations[method];
      if (operation === undefined) return [];
      return [
        {
          name: `${method.toUpperCase()} ${path}`,
          tag: operation.tags[0] ?? 'Other',
          summary: operation.summary,
          permission: operation['x-permission'],
          callers: operation['x-callers'],
          displaysToo: operation['x-displays'],
        },
      ];
    }),
  );
}

/** What is wrong with how routes declare who may call them; empty when every one does, or is public on purpose. */
export function undeclared(routes: readonly RouteAccess[]): string[] {
  const isPublic = new Set(publicRoutes);
  const known = new Set(routes.map(({ name }) => name));
  return [
    ...routes.flatMap(({ name, permission, callers }) => {
      const declares = permission !== undefined && callers !== undefined;
      if (isPublic.has(name) === declares)
        return [`${name} ${declares ? 'is listed as public' : 'says not who may call it'}`];
      return [];
    }),
    ...publicRoutes.filter((name) => !known.has(name)).map((name) => `${name} is listed as public and is no route`),
  ];
}

const yes = '✓';
const no = '–';

function markFor(role: Role, { permission, callers }: RouteAccess): string {
  if (callers === 'displays') return no;
  if (permission === null || permission === undefined) return yes;
  if (!permissionsOf[role].includes(permission)) return no;
  return seesOnlyAssigned(role) ? `${yes} assigned` : yes;
}

const markForKey = ({ permission, callers }: RouteAccess): string =>
  callers !== 'anyone' ? no : permission === null ? yes : 'scope';

const markForDisplay = ({ callers, displaysToo }: RouteAccess): string =>
  callers === 'displays' || displaysToo ? yes : no;

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map((_, at) => (at === 0 ? ':---' : ':---:'))), ...rows.map(row)].join('\n');

const code = (text: string): string => `\`${text}\``;
const wordFor = ({ permission, callers }: RouteAccess): string =>
  callers === 'displays' ? 'display' : permission === null ? 'signed in' : code(permission ?? '');

/** The whole page, as it stands in docs/permissions.md. Throws when a route declares nothing. */
export function permissionsPage(document: unknown): string {
  const routes = routesOf(document);
  const wrong = undeclared(routes);
  if (wrong.length > 0) throw new Error(`routes and their permissions:\n${wrong.join('\n')}`);
  const declared = routes.filter(({ permission }) => permission !== undefined);
  const isPublic = routes.filter(({ permission }) => permission === undefined);
  const sections = [...Map.groupBy(declared, ({ tag }) => tag)].map(([tag, ofTag]) => {
    const rows = ofTag.map((route) => [
      code(route.name),
      wordFor(route),
      ...roles.map((role) => markFor(role, route)),
      markForKey(route),
      markForDisplay(route),
    ]);
    return `### ${tag}\n\n${table(['Route', 'Permission', ...roles.map(code), 'API key', 'Display'], rows)}`;
  });
  const held = permissions.map((permission) => [
    code(permission),
    ...roles.map((role) => (permissionsOf[role].includes(permission) ? yes : no)),
  ]);
  return `# Who may do what

Made from docs/openapi.json and contracts/roles.ts by \`npm run permissions\`; \`npm test\` checks that it is current. Do
not edit.

- A route names one permission (\`x-permission\` in the API document). Without it the answer is 403 FORBIDDEN, and
  \`details.required\` says which one is missing.
- ${yes} assigned: a driver sees only the vehicles assigned to them, and what belongs to those; everything else is 404.
- API key: \`scope\` means that the key needs the permission as a scope; ${no} that only people may call it.
- Display: a wall display with the token of its pairing reads its board and nothing else. A route is closed to it unless it
  says otherwise (\`x-callers: displays\`, \`x-displays\`).
- What a permission opens is the own tenant's. A dealer reaches vehicles, faults, alerts, groups and reports of linked
  customers as well, never their people, settings, keys, credentials or webhooks. A super admin belongs to no tenant and
  acts inside one with \`?tenantId=\`.
- A changed role holds from the next request on. While a tenant requires a second factor and somebody has none, they hold no
  permission at all.
- Nobody hands out more than they hold, changes the role of themselves, suspends or deletes themselves; a tenant keeps at
  least one administrator who can sign in, unless the operator suspends them.

## Roles

${table(['Permission', ...roles.map(code)], held)}

## Routes

${sections.join('\n\n')}

## Without a sign-in

${isPublic.map(({ name, summary }) => `- ${code(name)}: ${summary}`).join('\n')}
- ${code('GET /api/v1/live')}, ${code('GET /api/v1/live/vehicles/{id}')}: a WebSocket upgrade; the single-use ticket in its query is the sign-in
`;
}
