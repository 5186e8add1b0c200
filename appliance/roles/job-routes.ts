// /jobs: what the background could not do, for a person to look at and try again.
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { time } from '#appliance/http/schemas.ts';
import type { Jobs } from '#appliance/platform/jobs/index.ts';

const which = z.object({
  name: z.string().regex(/^[a-z][a-z0-9.-]{0,63}$/),
  id: z.string().regex(/^[A-Za-z0-9:._-]{1,200}$/),
});

export function jobRoutes(server: Server, { jobs }: { jobs: Pick<Jobs, 'failed' | 'retry' | 'discard'> }): void {
  route(server, {
    method: 'GET',
    path: '/jobs/failed',
    permission: 'jobs:read',
    summary: 'Background work that failed for good, newest first',
    response: z.object({
      items: z.array(
        z.object({
          name: z.string(),
          id: z.string(),
          payload: z.unknown(),
          error: z.string(),
          attempts: z.number(),
          failedAt: time,
        }),
      ),
    }),
    handler: async () => ({ items: await jobs.failed(500) }),
  });
  route(server, {
    method: 'POST',
    path: '/jobs/failed/{name}/{id}/retry',
    permission: 'jobs:write',
    summary: 'Tries it again',
    params: which,
    audit: { action: 'job.retried', entity: 'job', entityId: ({ params }) => `${params.name}/${params.id}` },
    handler: ({ params }) => jobs.retry(params.name, params.id),
  });
  route(server, {
    method: 'DELETE',
    path: '/jobs/failed/{name}/{id}',
    permission: 'jobs:write',
    summary: 'Gives it up',
    params: which,
    audit: { action: 'job.discarded', entity: 'job', entityId: ({ params }) => `${params.name}/${params.id}` },
    handler: ({ params }) => jobs.discard(params.name, params.id),
  });
}
