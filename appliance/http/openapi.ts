import type { Server } from '@hapi/hapi';
import { type ZodType, z } from 'zod';
import type { Permission } from '#appliance/contract/identity.ts';
import { ROLES } from '#appliance/contract/identity.ts';
import type { Access, Gatekeeper } from './auth.ts';
import { type RouteRecord, route } from './route.ts';
import { errorBody } from './schemas.ts';

type Json = Record<string, unknown>;

/** `GET /api/v1/openapi.json`: made from the same schemas that check requests and answers. */
export function openapiRoute(server: Server, { version }: { version: string }): void {
  let made: { routes: number; document: Json } | undefined;
  route(server, {
    method: 'GET',
    path: '/openapi.json',
    permission: 'public',
    summary: 'This description of the API',
    handler: () => {
      const { routes, gatekeeper } = server.app;
      if (made?.routes !== routes.length)
        made = { routes: routes.length, document: openapiDocument(routes, gatekeeper, version) };
      return made.document;
    },
  });
}

/** OpenAPI 3.1.0, whose schemas are JSON Schema 2020-12. */
export function openapiDocument(
  routes: readonly RouteRecord[],
  gatekeeper: Pick<Gatekeeper, 'allows'>,
  version: string,
): Json {
  const components: Json = {};
  const schema = (of: ZodType, io: 'input' | 'output') => jsonSchema(of, io, components);
  components.Error = schema(errorBody, 'output');
  const paths: Record<string, Json> = {};
  for (const record of routes) {
    paths[record.path] = {
      ...paths[record.path],
      [record.method.toLowerCase()]: operation(record, gatekeeper, schema),
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Strongroom',
      version,
      description:
        'Times are ISO 8601 UTC, durations seconds as numbers, ids UUIDv7. Lists take `limit` and `cursor` and answer `items` and `next`. ' +
        'Refusals are `{code, message, details?}`. What changes configuration wants `If-Match` with the version (ETag) that was read.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { cookie: [] }],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The token of POST /api/v1/sessions.' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'sid',
          description: 'For browsers; changes must come from the same origin.',
        },
      },
    },
  };
}

type ToSchema = (of: ZodType, io: 'input' | 'output') => Json;

function operation(record: RouteRecord, gatekeeper: Pick<Gatekeeper, 'allows'>, schema: ToSchema): Json {
  const {
    method,
    path,
    permission,
    summary,
    description,
    params,
    query,
    payload,
    response,
    status,
    upload,
    conditional,
  } = record;
  const parameters = [
    ...parametersOf('path', params && schema(params, 'input'), path),
    ...parametersOf('query', query && schema(query, 'input'), path),
    ...(conditional
      ? [
          {
            name: 'If-Match',
            in: 'header',
            required: true,
            schema: { type: 'string' },
            description: 'The ETag that was read, or *.',
          },
        ]
      : []),
  ];
  const body = upload
    ? Object.fromEntries(upload.contentTypes.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]))
    : payload && { 'application/json': { schema: schema(payload, 'input') } };
  return {
    operationId: `${method.toLowerCase()}${path.replace('/api/v1', '').replace(/[^A-Za-z0-9]+(.)?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? '')}`,
    summary,
    ...(description && { description }),
    tags: [path.split('/')[3] ?? 'box'],
    ...accessOf(permission, gatekeeper),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: body } }),
    responses: {
      [String(status)]: {
        description: 'Done',
        ...(response && { content: { 'application/json': { schema: schema(response, 'output') } } }),
      },
      default: {
        description: 'Refused',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

function accessOf(permission: Access, gatekeeper: Pick<Gatekeeper, 'allows'>): Json {
  if (permission === 'public') return { security: [] };
  if (permission === 'signed-in') return { 'x-permission': permission, 'x-roles': ROLES };
  return {
    'x-permission': permission,
    'x-roles': ROLES.filter((role) => gatekeeper.allows(role, permission as Permission)),
  };
}

function parametersOf(place: 'path' | 'query', schema: Json | undefined, path: string): Json[] {
  const properties = (schema?.properties ?? {}) as Record<string, Json>;
  const required = (schema?.required ?? []) as string[];
  const declared = Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }));
  if (place === 'query') return declared;
  const missing = [...path.matchAll(/\{(\w+)[*?\d]*\}/g)]
    .map((match) => match[1]!)
    .filter((name) => !(name in properties));
  return [...declared, ...missing.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))];
}

/** What zod keeps aside (`$defs`) becomes a component, so that references hold in the whole document. */
function jsonSchema(of: ZodType, io: 'input' | 'output', components: Json): Json {
  const { $schema, $defs, ...schema } = z.toJSONSchema(describable(of), {
    io,
    unrepresentable: 'any',
    reused: 'inline',
  }) as Json;
  let text = JSON.stringify(schema);
  if (text.includes('"$ref":"#"')) {
    const name = `Recursive${Object.keys(components).length}`;
    components[name] = JSON.parse(text.replaceAll('"$ref":"#"', `"$ref":"#/components/schemas/${name}"`));
    return { $ref: `#/components/schemas/${name}` };
  }
  for (const [name, definition] of Object.entries(($defs ?? {}) as Json)) {
    const place = sameOrFree(components, name, definition);
    text = text.replaceAll(`"#/$defs/${name}"`, `"#/components/schemas/${place}"`);
    components[place] = JSON.parse(JSON.stringify(definition).replaceAll('"#/$defs/', '"#/components/schemas/'));
  }
  return JSON.parse(text) as Json;
}

function sameOrFree(components: Json, name: string, definition: unknown): string {
  const wanted = JSON.stringify(definition).replaceAll('"#/$defs/', '"#/components/schemas/');
  for (let n = 0; ; n++) {
    const place = n === 0 ? name : `${name}${n}`;
    if (!(place in components) || JSON.stringify(components[place]) === wanted) return place;
  }
}

/** Behind a preparing step stands the schema that clients are to follow. */
function describable(schema: ZodType): ZodType {
  return schema instanceof z.ZodPipe && schema.in instanceof z.ZodTransform ? (schema.out as ZodType) : schema;
}
