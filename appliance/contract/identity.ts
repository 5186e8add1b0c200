// Who somebody is and what they may do, as the API says it.

export const ROLES = ['admin', 'supervisor', 'agent', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

/** `area:act`, for example `queues:write`; `me` is what everybody may do with their own things. */
export type Permission = `${string}:${string}` | 'me';

/** Somebody signed in, at the moment of one request. */
export interface Actor {
  userId: string;
  username: string;
  role: Role;
  sessionId: string;
  /** Where the request came from. */
  address: string;
  /** Only their own account is open to them until they have chosen a new password. */
  mustChangePassword?: boolean;
}

/** One line of the audit chain, as handed in. `details` never holds secrets. */
export interface AuditInput {
  /** Null for what the box does by itself. */
  actor: Pick<Actor, 'userId' | 'username'> | null;
  address: string | null;
  action: string;
  entity: string;
  entityId: string | null;
  details?: Record<string, unknown>;
}
