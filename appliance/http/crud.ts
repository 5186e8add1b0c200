import type { Server } from '@hapi/hapi';
import { type ZodObject, z } from 'zod';
import type { Actor, Permission } from '#appliance/contract/identity.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { CrudRow, CrudStore } from '#appliance/platform/postgres/index.ts';
import { checked, route } from './route.ts';
import { idParams, listQuery, pageOf, time, uuid } from './schemas.ts';

export interface CrudOptions<Row extends CrudRow, Fields extends ZodObject> {
  /** Under /api/v1, for example `/queues`. */
  path: string;
  /** Singular, for sentences, the audit chain and `config.changed`: `queue`. */
  noun: string;
  /** The area: `queues` needs `queues:read` and `queues:write`. */
  permission: string;
  /** The writable fields, defaults included. Unknown fields are refused by name. */
  schema: Fields;
  store: CrudStore<Row>;
  /** Row to answer; by default the row as it is. */
  view?(row: Row): object | Promise<object>;
  /** What an answer holds besides id, version and times; by default the writable fields. */
  viewSchema?: ZodObject;
  /** False when creating is a route of its own. */
  create?: boolean;
  /** Fields of the view that clients may send back with the rest; they are passed over. */
  readOnly?: readonly string[];
  /** Fields whose values never reach the audit chain. */
  secret?: readonly string[];
  /** Fields to be stored, after checks that need more than a schema. */
  prepare?(
    fields: Partial<z.output<Fields>>,
    context: { actor: Actor; current?: Row },
  ): Promise<Partial<Row>> | Partial<Row>;
  /** Refuses a removal by throwing. */
  beforeRemove?(row: Row, context: { actor: Actor }): Promise<void> | void;
  /** After commit, before the answer. */
  changed?(
    row: Row,
    how: 'created' | 'updated' | 'removed',
    context: { actor: Actor; before?: Row },
  ): Promise<void> | void;
}

/**
 * GET list, GET one, POST, PUT (whole), PATCH (part) and DELETE, with versions (ETag and If-Match), one audit entry
 * in the same transaction as each change, and `config.changed` after commit.
 */
export function crud<Row extends CrudRow, Fields extends ZodObject>(
  server: Server,
  options: CrudOptions<Row, Fields>,
): void {
  const { path, noun, store } = options;
  const read = `${options.permission}:read` as Permission;
  const write = `${options.permission}:write` as Permission;
  const one = `${path}/{id}`;
  const aNoun = `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;
  const own = { id: uuid, version: z.number().int(), createdAt: time, updatedAt: time };
  const answer = (options.viewSchema ?? options.schema).extend(own);
  const strip = without([...OWN, ...(options.readOnly ?? [])]);
  const whole = z.preprocess(strip, options.schema.strict());
  const part = z.preprocess(strip, withoutDefaults(options.schema).partial().strict());
  const show = async (row: Row) => checked(answer, options.view ? await options.view(row) : row, `${noun} ${row.id}`);

  route(server, {
    method: 'GET',
    path,
    permission: read,
    summary: `Lists ${noun}s`,
    query: listQuery,
    response: pageOf(answer),
    handler: async ({ query }) => {
      const { items, next } = await store.list(query);
      return { items: await Promise.all(items.map(show)), next };
    },
  });

  route(server, {
    method: 'GET',
    path: one,
    permission: read,
    summary: `Shows one ${noun}`,
    description: 'The ETag is the version that If-Match wants.',
    params: idParams,
    response: answer,
    handler: async ({ params, h }) => {
      const row = await existing(params.id);
      return h.response(await show(row)).etag(String(row.version), { weak: false, vary: false });
    },
  });

  if (options.create !== false) {
    route(server, {
      method: 'POST',
      path,
      permission: write,
      summary: `Creates ${aNoun}`,
      payload: whole,
      response: answer,
      status: 201,
      handler: async ({ payload, actor, address, h }) => {
        const fields = await prepared(payload as Partial<z.output<Fields>>, { actor });
        const row = await store.transaction(async (trx) => {
          const created = await store.within(trx).create(fields);
          await server.app.audit.record(
            {
              actor,
              address,
              action: `${noun}.created`,
              entity: noun,
              entityId: created.id,
              details: { set: masked(fields) },
            },
            trx,
          );
          return created;
        });
        await told(row, 'created', actor);
        return h
          .response(await show(row))
          .code(201)
          .header('location', `/api/v1${path}/${row.id}`)
          .etag(String(row.version), { weak: false, vary: false });
      },
    });
  }

  for (const method of ['PUT', 'PATCH'] as const) {
    route(server, {
      method,
      path: one,
      permission: write,
      summary: method === 'PUT' ? `Replaces ${aNoun}` : `Changes fields of ${aNoun}`,
      params: idParams,
      payload: method === 'PUT' ? whole : part,
      response: answer,
      conditional: true,
      handler: async ({ params, payload, actor, address, request, h }) => {
        const version = versionOf(request.headers['if-match']);
        const current = await existing(params.id);
        const fields = await prepared(payload as Partial<z.output<Fields>>, { actor, current });
        const row = await store.transaction(async (trx) => {
          const updated = await store.within(trx).update(params.id, version ?? current.version, fields);
          const change = difference(current, fields);
          await server.app.audit.record(
            { actor, address, action: `${noun}.updated`, entity: noun, entityId: updated.id, details: change },
            trx,
          );
          return updated;
        });
        await told(row, 'updated', actor, current);
        return h.response(await show(row)).etag(String(row.version), { weak: false, vary: false });
      },
    });
  }

  route(server, {
    method: 'DELETE',
    path: one,
    permission: write,
    summary: `Removes ${aNoun}`,
    params: idParams,
    conditional: true,
    handler: async ({ params, actor, address, request, h }) => {
      const version = versionOf(request.headers['if-match']);
      const current = await existing(params.id);
      await options.beforeRemove?.(current, { actor });
      const row = await store.transaction(async (trx) => {
        const removed = await store.within(trx).remove(params.id, version ?? current.version);
        await server.app.audit.record(
          {
            actor,
            address,
            action: `${noun}.removed`,
            entity: noun,
            entityId: removed.id,
            details: { was: masked(removed) },
          },
          trx,
        );
        return removed;
      });
      await told(row, 'removed', actor);
      return h.response().code(204);
    },
  });

  async function existing(id: string): Promise<Row> {
    const row = await store.get(id);
    if (!row) throw new AppError('not-found', 'not-found', `There is no ${noun} ${id}`);
    return row;
  }

  async function prepared(
    fields: Partial<z.output<Fields>>,
    context: { actor: Actor; current?: Row },
  ): Promise<Partial<Row>> {
    return options.prepare ? await options.prepare(fields, context) : (fields as unknown as Partial<Row>);
  }

  async function told(row: Row, how: 'created' | 'updated' | 'removed', actor: Actor, before?: Row): Promise<void> {
    server.app.bus.publish({ type: 'config.changed', entity: noun, id: row.id });
    await options.changed?.(row, how, { actor, ...(before && { before }) });
  }

  function masked(fields: object): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, options.secret?.includes(key) ? '(hidden)' : value]),
    );
  }

  function difference(
    before: Row,
    fields: Partial<Row>,
  ): { from: Record<string, unknown>; to: Record<string, unknown> } {
    const changed = Object.keys(fields).filter(
      (key) =>
        JSON.stringify(before[key as keyof Row]) !== JSON.stringify(fields[key as keyof Row]) &&
        fields[key as keyof Row] !== undefined,
    );
    const pick = (row: object) =>
      masked(Object.fromEntries(Object.entries(row).filter(([key]) => changed.includes(key))));
    return { from: pick(before), to: pick(fields) };
  }
}

/** The version in If-Match (RFC 9110 §13.1.1). `*` means whatever is there: undefined. */
export function versionOf(ifMatch: unknown): number | undefined {
  if (ifMatch === undefined) {
    throw new AppError(
      'conflict',
      'version-missing',
      'Say which version you change: If-Match with the ETag you were shown',
    );
  }
  if (ifMatch === '*') return undefined;
  const match = /^(?:W\/)?"?(\d{1,9})"?$/.exec(String(ifMatch).trim());
  if (!match) throw new AppError('conflict', 'stale', 'If-Match does not hold a version of this');
  return Number(match[1]);
}

const OWN = ['id', 'version', 'createdAt', 'updatedAt'];

/** What a client reads may be sent back as it is: what is not its to write is passed over. */
function without(keys: readonly string[]): (value: unknown) => unknown {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
  };
}

/** PATCH changes what it names: a default must not overwrite what is stored. */
function withoutDefaults(schema: ZodObject): ZodObject {
  const shape = Object.fromEntries(
    Object.entries(schema.shape).map(([key, field]) => [
      key,
      field instanceof z.ZodDefault || field instanceof z.ZodPrefault ? field.unwrap() : field,
    ]),
  );
  return z.object(shape);
}
