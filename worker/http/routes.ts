/** How routes are written: schema in, schema out, errors named; the OpenAPI document falls out of it. */
import { createRoute, OpenAPIHono, z, type RouteConfig } from '@hono/zod-openapi';
import { errorBodySchema, errorStatus, type ErrorCode, type ErrorStatus } from '#contracts/errors';
import { defaultPageSize, idSchema, type PageMeta } from '#contracts/primitives';
import type { Permission } from '#contracts/roles';
import { requireAccess, type RouteAccess } from './authenticate.ts';
import type { AppEnv } from './context.ts';
import { AppError } from './errors.ts';

/** A router whose validators answer with the one error shape. */
export function router(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const issues = result.error.issues.map((issue) => ({
        path: issue.path.map(String).join('.'),
        message: issue.message,
      }));
      const first = issues[0];
      const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
      throw new AppError('VALIDATION_FAILED', `${where}${first?.message ?? 'The request is not valid.'}`, {
        details: { issues },
      });
    },
  });
}

/** One JSON answer of a route. */
export const answer = <T extends z.ZodType>(schema: T, description: string) => ({
  content: { 'application/json': { schema } },
  description,
});

/** The body of a route: JSON of this shape. */
export const body = <T extends z.ZodType>(schema: T, required = true) => ({
  content: { 'application/json': { schema } },
  required,
});

/** The error answers of a route, grouped by status, each naming its codes. */
export function errors(...codes: ErrorCode[]) {
  const byStatus = new Map<ErrorStatus, ErrorCode[]>();
  for (const code of codes) {
    const status = errorStatus[code];
    byStatus.set(status, [...new Set([...(byStatus.get(status) ?? []), code])]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [String(status), answer(errorBodySchema, names.join(' | '))]),
  );
}

/** What every route with a body may answer. */
export const bodyErrors: readonly ErrorCode[] = [
  'VALIDATION_FAILED',
  'INVALID_JSON',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
];

/** What every route behind authentication may answer. */
export const signedInErrors: ErrorCode[] = [
  'VALIDATION_FAILED',
  'UNAUTHENTICATED',
  'TOKEN_EXPIRED',
  'TOKEN_REVOKED',
  'USER_TOKENS_REVOKED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'UNAVAILABLE',
];

/** People and machines are let in, or only people, or only wall displays; see requireAccess. */
interface Access {
  /** null where being signed in is enough. */
  permission: Permission | null;
  callers?: RouteAccess['callers'];
  /** Wall displays are let in only where this, or `callers`, says so. */
  displaysToo?: true;
}

/**
 * A route behind the sign-in. It cannot be declared without saying what it needs; that stands in the API document too
 * (`x-permission`, `x-callers`, `x-displays`), from which docs/permissions.md and the cross-tenant tests are made.
 */
export function signedInRoute<P extends string, R extends Omit<RouteConfig, 'path'> & { path: P }>(
  { permission, callers = 'anyone', displaysToo }: Access,
  config: R,
) {
  const own = config.middleware ?? [];
  return createRoute<P, R>({
    ...config,
    security: [{ bearer: [] }],
    middleware: [requireAccess({ permission, callers, displaysToo }), ...(Array.isArray(own) ? own : [own])],
    'x-permission': permission,
    'x-callers': callers,
    ...(displaysToo === true ? { 'x-displays': true } : {}),
  });
}

/** Ids in a path are not judged by shape: what is no id of ours is simply not found. */
export const idParam = z.object({ id: z.string() });

export const noQuery = z.strictObject({});

/** A super admin names the tenant to act in; for everybody else it is their own. */
export const tenantQuerySchema = z.strictObject({ tenantId: idSchema.optional() });

/** Page and size with their defaults, and the SQL window that goes with them. */
export function pageWindow(query: { page?: number | undefined; pageSize?: number | undefined }) {
  const page = query.page ?? 1;
  const pageSize = query.pageSize ?? defaultPageSize;
  return { page, pageSize, limit: pageSize, offset: (page - 1) * pageSize };
}

export const pageMeta = (
  query: { page?: number | undefined; pageSize?: number | undefined },
  total: number,
): PageMeta => {
  const { page, pageSize } = pageWindow(query);
  return { total, page, pageSize };
};
