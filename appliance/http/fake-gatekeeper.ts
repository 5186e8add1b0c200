import type { Actor, AuditInput, Permission, Role } from '#appliance/contract/identity.ts';
import type { AuditSink, Gatekeeper } from './auth.ts';

/** For tests of routes: the token `token-of-<role>-0000000000` is somebody with that role. */
export function fakeGatekeeper(
  allows: (role: Role, permission: Permission) => boolean = (role) => role === 'admin',
): Gatekeeper {
  return {
    identify: async (token, address) => actors(address)[token],
    allows,
  };
}

export function tokenOf(role: Role): string {
  return `token-of-${role}-0000000000`;
}

export function fakeAudit(): AuditSink & { entries: AuditInput[] } {
  const entries: AuditInput[] = [];
  return {
    entries,
    record: async (entry) => {
      entries.push(entry);
    },
  };
}

function actors(address: string): Record<string, Actor> {
  const roles: Role[] = ['admin', 'supervisor', 'agent', 'auditor'];
  return Object.fromEntries(
    roles.map((role, index) => [
      tokenOf(role),
      {
        userId: `00000000-0000-7000-8000-00000000000${index}`,
        username: role,
        role,
        sessionId: `00000000-0000-7000-8000-00000000001${index}`,
        address,
      },
    ]),
  );
}
