import type { Request as HapiRequest, ResponseToolkit, RouteOptions, Server } from '@hapi/hapi';
import type { ZodType, z } from 'zod';
import type { Actor } from '#appliance/contract/identity.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { type Access, addressOf } from './auth.ts';
import { isShallow, MAX_JSON_DEPTH } from './json-depth.ts';

export const API_PREFIX = '/api/v1';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What one request brings, already checked. `actor` is undefined on public routes only. */
export interface Incoming<A extends Access, Params, Query, Payload> {
  params: Params;
  query: Query;
  payload: Payload;
  actor: A extends 'public' ? undefined : Actor;
  address: string;
  request: HapiRequest;
  h: ResponseToolkit;
}

type Parsed<T> = T extends ZodType ? z.output<T> : undefined;
type Answered<T> = T extends ZodType ? z.input<T> : unknown;

export interface RouteSpec<
  A extends Access,
  Params extends ZodType | undefined,
  Query extends ZodType | undefined,
  Payload extends ZodType | undefined,
  Response extends ZodType | undefined,
> {
  method: Method;
  /** Under /api/v1, for example `/queues/{id}`. */
  path: string;
  permission: A;
  /** One line, shown in the API's page. */
  summary: string;
  description?: string;
  params?: Params;
  query?: Query;
  payload?: Payload;
  /** What leaves: fields that it does not name never leave. */
  response?: Response;
  /** The status of success; 204 by default when there is no response schema and nothing is returned. */
  status?: 200 | 201 | 202 | 204;
  /** Written to the audit chain after the handler and before the answer. */
  audit?: {
    action: string;
    entity: string;
    /** By default the `id` of the path, else the `id` of the answer. */
    entityId?: (
      incoming: Incoming<A, Parsed<Params>, Parsed<Query>, Parsed<Payload>>,
      result: unknown,
    ) => string | null;
    details?: (
      incoming: Incoming<A, Parsed<Params>, Parsed<Query>, Parsed<Payload>>,
      result: unknown,
    ) => Record<string, unknown>;
  };
  /** An upload: the payload arrives as a stream of raw bytes (`request.payload`), not as JSON. */
  upload?: { maxBytes: number; contentTypes: string[] };
  /** Of a JSON body; 1 MiB by default. */
  maxBytes?: number;
  handler: (
    incoming: Incoming<A, Parsed<Params>, Parsed<Query>, Parsed<Payload>>,
  ) => Answered<Response> | Promise<Answered<Response>> | object | Promise<object> | Promise<unknown>;
}

/** A registered route, for OpenAPI and for the test that walks all of them. */
export interface RouteRecord {
  method: Method;
  path: string;
  permission: Access;
  summary: string;
  description?: string;
  params?: ZodType;
  query?: ZodType;
  payload?: ZodType;
  response?: ZodType;
  status: number;
  upload?: { contentTypes: string[] };
  /** Needs If-Match. */
  conditional?: boolean;
}

/** Declares one route of the API. Nothing is reachable that was not declared here with a permission. */
export function route<
  const A extends Access,
  Params extends ZodType | undefined = undefined,
  Query extends ZodType | undefined = undefined,
  Payload extends ZodType | undefined = undefined,
  Response extends ZodType | undefined = undefined,
>(server: Server, spec: RouteSpec<A, Params, Query, Payload, Response> & { conditional?: boolean }): void {
  const { method, permission, params, query, payload, response, upload } = spec;
  if (!isAccess(permission)) throw new Error(`${method} ${spec.path} names no permission`);
  const path = API_PREFIX + spec.path;
  const status = spec.status ?? (response || method === 'GET' ? 200 : 204);
  const { app } = server;
  if (!app.routes) throw new Error('Routes are registered on a server made by createServer()');

  app.routes.push({
    method,
    path,
    permission,
    summary: spec.summary,
    status,
    ...(spec.description && { description: spec.description }),
    ...(params && { params }),
    ...(query && { query }),
    ...(payload && { payload }),
    ...(response && { response }),
    ...(upload && { upload }),
    ...(spec.conditional && { conditional: true }),
  });

  const options: RouteOptions = {
    auth: permission === 'public' ? false : 'session',
    plugins: { strongroom: { access: permission } },
    description: spec.summary,
    ...(method !== 'GET' && { payload: bodyOptions(spec) }),
  };

  server.route({
    method,
    path,
    options,
    handler: async (request, h) => {
      const actor = request.auth.credentials?.user?.actor;
      const incoming = {
        // Here and not in hapi's `validate`: an error with `details` of its own would break hapi's handling of it.
        params: params ? parse(params, request.params, 'path') : undefined,
        query: query ? parse(query, request.query, 'query') : undefined,
        payload: payload ? parse(payload, shallow(request.payload), 'body') : undefined,
        actor,
        address: addressOf(request.info.remoteAddress),
        request,
        h,
      } as unknown as Incoming<A, Parsed<Params>, Parsed<Query>, Parsed<Payload>>;
      const result = await spec.handler(incoming);
      if (spec.audit && !isRefusal(result)) {
        const { action, entity, entityId, details } = spec.audit;
        await app.audit.record({
          actor: actor ? { userId: actor.userId, username: actor.username } : null,
          address: incoming.address,
          action,
          entity,
          entityId: entityId ? entityId(incoming, result) : (idOf(request.params) ?? idOf(result) ?? null),
          ...(details && { details: details(incoming, result) }),
        });
      }
      if (isHapiResponse(result)) return result;
      if (result === undefined || result === null) {
        if (response) throw new Error(`${method} ${path} answered nothing where its schema promises something`);
        return h.response().code(204);
      }
      const body = response ? checked(response, result, `${method} ${path}`) : (result as object);
      return h.response(body).code(status === 204 ? 200 : status);
    },
  });
}

/** The checked answer: what the schema does not name is gone, and what it names is there. */
export function checked(schema: ZodType, value: unknown, where: string): object {
  const result = schema.safeParse(value);
  if (result.success) return result.data as object;
  const first = result.error.issues.slice(0, 3).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`The answer of ${where} is not what its schema promises: ${first.join('; ')}`);
}

export function parse<T extends ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new AppError('invalid', 'invalid', `The ${where} is not as expected: ${sentence(result.error.issues[0])}`, {
    issues: result.error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.map(String), message })),
  });
}

function shallow(body: unknown): unknown {
  if (isShallow(body)) return body ?? undefined;
  throw new AppError('invalid', 'too-deep', `The body is nested deeper than ${MAX_JSON_DEPTH} levels`);
}

function sentence(issue: { path: PropertyKey[]; message: string } | undefined): string {
  if (!issue) return 'unknown';
  return issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ${issue.message}` : issue.message;
}

function bodyOptions({
  upload,
  maxBytes,
}: {
  upload?: { maxBytes: number; contentTypes: string[] };
  maxBytes?: number;
}): NonNullable<RouteOptions['payload']> {
  if (upload) {
    return { output: 'stream', parse: false, allow: upload.contentTypes, maxBytes: upload.maxBytes, timeout: 120_000 };
  }
  return { allow: 'application/json', maxBytes: maxBytes ?? 1024 * 1024, timeout: 10_000, protoAction: 'error' };
}

function isAccess(permission: unknown): permission is Access {
  return (
    permission === 'public' ||
    permission === 'signed-in' ||
    permission === 'me' ||
    (typeof permission === 'string' && /^[a-z-]+:[a-z-]+$/.test(permission))
  );
}

function isHapiResponse(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'variety' in value && 'statusCode' in value;
}

function isRefusal(value: unknown): boolean {
  return isHapiResponse(value) && (value as { statusCode: number }).statusCode >= 400;
}

function idOf(value: unknown): string | undefined {
  const id = (value as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : undefined;
}
