import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import type { Actor } from '#appliance/contract/identity.ts';
import { ROLES } from '#appliance/contract/identity.ts';
import { SESSION_COOKIE } from '#appliance/http/auth.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import { grantsOf } from './permissions.ts';
import type { Security } from './security.ts';
import type { UserRow } from './user-store.ts';

interface Options {
  security: Security;
  /** The agent of a user, as `GET /me` shows it: from the agents domain, wired by roles/web.ts. */
  agentOf?: (userId: string) => Promise<object | null>;
}

const credentials = z.object({
  username: text(64, 1),
  password: z.string().min(1).max(1000),
  otp: z.string().max(40).optional(),
});

const userSummary = z.object({
  id: uuid,
  username: z.string(),
  displayName: z.string(),
  role: z.enum(ROLES),
});

const me = z.object({
  user: userSummary,
  role: z.enum(ROLES),
  permissions: z
    .array(z.string())
    .meta({ description: 'Patterns such as queues:* or *:read; a leading - takes away.' }),
  agent: z.record(z.string(), z.unknown()).nullable(),
  locale: z.string(),
  timeZone: z.string(),
  mustChangePassword: z.boolean(),
  secondFactor: z.boolean(),
});

const sessionView = z.object({
  id: uuid,
  address: z.string(),
  userAgent: z.string().nullable(),
  createdAt: time,
  seenAt: time,
  endsAt: time,
  current: z.boolean(),
});

/** Signing in and out, and one's own account. */
export const sessionRoutes: Plugin<Options> = {
  name: 'security/sessions',
  register(server, { security, agentOf }) {
    const { sessions, users, secondFactor } = security;

    async function describe(user: UserRow) {
      return {
        user,
        role: user.role,
        permissions: [...grantsOf(user.role)],
        agent: ((await agentOf?.(user.id)) ?? null) as Record<string, unknown> | null,
        locale: user.language,
        timeZone: user.timeZone,
        mustChangePassword: user.mustChangePassword,
        secondFactor: user.totpConfirmedAt !== null,
      };
    }

    route(server, {
      method: 'POST',
      path: '/sessions',
      permission: 'public',
      summary: 'Signs in',
      description:
        'Sets the cookie `sid` for browsers and answers the same token for programs (Authorization: Bearer). Without a needed second factor the refusal is `otp-required`.',
      payload: credentials,
      response: z.object({ token: z.string(), endsAt: time, user: userSummary, mustChangePassword: z.boolean() }),
      status: 201,
      maxBytes: 8192,
      handler: async ({ payload, address, request, h }) => {
        const { token, endsAt, user } = await sessions.signIn(payload, {
          address,
          userAgent: userAgentOf(request.headers['user-agent']),
        });
        h.state(SESSION_COOKIE, token);
        return { token, endsAt, user, mustChangePassword: user.mustChangePassword };
      },
    });

    route(server, {
      method: 'DELETE',
      path: '/sessions/current',
      permission: 'signed-in',
      summary: 'Signs out',
      handler: async ({ actor, h }) => {
        await sessions.revoke({ userId: actor.userId, id: actor.sessionId }, 'signed out', actor);
        return h.response().code(204).unstate(SESSION_COOKIE);
      },
    });

    route(server, {
      method: 'GET',
      path: '/me',
      permission: 'signed-in',
      summary: 'Who I am and what I may do',
      response: me,
      handler: async ({ actor }) => describe(await users.get(actor.userId)),
    });

    route(server, {
      method: 'PATCH',
      path: '/me',
      permission: 'signed-in',
      summary: 'Changes my language, time zone or name',
      payload: z.strictObject({
        displayName: text(120, 1).optional(),
        locale: z
          .string()
          .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
          .optional(),
        timeZone: z.string().max(64).optional(),
      }),
      response: me,
      audit: {
        action: 'user.updated',
        entity: 'user',
        entityId: ({ actor }) => actor.userId,
        details: ({ payload }) => ({ to: payload }),
      },
      handler: async ({ actor, payload }) => {
        const current = await users.get(actor.userId);
        const fields = await users.prepare(
          {
            ...(payload.displayName !== undefined && { displayName: payload.displayName }),
            ...(payload.locale !== undefined && { language: payload.locale }),
            ...(payload.timeZone !== undefined && { timeZone: payload.timeZone }),
          },
          current,
        );
        await users.store.crud.update(current.id, current.version, fields);
        server.app.bus.publish({ type: 'config.changed', entity: 'user', id: current.id });
        return describe(await users.get(actor.userId));
      },
    });

    route(server, {
      method: 'PUT',
      path: '/me/password',
      permission: 'signed-in',
      summary: 'Changes my password; my other sessions end',
      payload: z.object({ current: z.string().max(1000), next: z.string().max(1000) }),
      maxBytes: 8192,
      handler: async ({ actor, payload, address }) => {
        await sessions.guarded(actor.username, address, () =>
          users.changeOwnPassword(actor, payload.current, payload.next),
        );
      },
    });

    route(server, {
      method: 'GET',
      path: '/me/sessions',
      permission: 'signed-in',
      summary: 'Where I am signed in',
      response: z.object({ items: z.array(sessionView) }),
      handler: async ({ actor }) => ({ items: await openSessions(actor.userId, actor) }),
    });

    route(server, {
      method: 'DELETE',
      path: '/me/sessions/{id}',
      permission: 'signed-in',
      summary: 'Ends one of my sessions',
      params: idParams,
      handler: async ({ actor, params }) => {
        await sessions.revoke({ userId: actor.userId, id: params.id }, 'ended by its owner', actor);
      },
    });

    route(server, {
      method: 'POST',
      path: '/me/second-factor',
      permission: 'signed-in',
      summary: 'Starts setting up an authenticator app',
      response: z.object({ secret: z.string(), uri: z.string() }),
      handler: async ({ actor }) => secondFactor.enrol(await users.get(actor.userId)),
    });

    route(server, {
      method: 'PUT',
      path: '/me/second-factor',
      permission: 'signed-in',
      summary: 'Confirms the authenticator app with a code; answers the recovery codes, once',
      payload: z.object({ otp: z.string().max(40) }),
      response: z.object({ recoveryCodes: z.array(z.string()) }),
      audit: { action: 'second-factor.set', entity: 'user', entityId: ({ actor }) => actor.userId },
      handler: async ({ actor, payload, address }) =>
        sessions.guarded(actor.username, address, async () =>
          secondFactor.confirm(await users.get(actor.userId), payload.otp),
        ),
    });

    route(server, {
      method: 'DELETE',
      path: '/me/second-factor',
      permission: 'signed-in',
      summary: 'Removes my authenticator app',
      payload: z.object({ password: z.string().max(1000) }),
      audit: { action: 'second-factor.removed', entity: 'user', entityId: ({ actor }) => actor.userId },
      handler: async ({ actor, payload, address }) => {
        await sessions.guarded(actor.username, address, () => users.checkPassword(actor, payload.password));
        await secondFactor.remove(actor.userId);
      },
    });

    route(server, {
      method: 'GET',
      path: '/users/{id}/sessions',
      permission: 'sessions:read',
      summary: 'Where somebody is signed in',
      params: idParams,
      response: z.object({ items: z.array(sessionView) }),
      handler: async ({ actor, params }) => ({ items: await openSessions((await users.get(params.id)).id, actor) }),
    });

    route(server, {
      method: 'DELETE',
      path: '/users/{id}/sessions',
      permission: 'sessions:write',
      summary: 'Signs somebody out everywhere',
      params: idParams,
      handler: async ({ actor, params }) => {
        await sessions.revoke({ userId: (await users.get(params.id)).id }, 'ended by an admin', actor);
      },
    });

    route(server, {
      method: 'DELETE',
      path: '/users/{id}/second-factor',
      permission: 'users:write',
      summary: 'Removes the authenticator app of somebody who lost it',
      params: idParams,
      audit: { action: 'second-factor.removed', entity: 'user' },
      handler: async ({ params }) => {
        await secondFactor.remove((await users.get(params.id)).id);
      },
    });

    async function openSessions(userId: string, actor: Actor) {
      return (await sessions.list(userId)).map((session) => ({ ...session, current: session.id === actor.sessionId }));
    }
  },
};

function userAgentOf(header: unknown): string | null {
  return typeof header === 'string' ? header : null;
}
