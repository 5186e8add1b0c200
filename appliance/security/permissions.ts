import type { Permission, Role } from '#appliance/contract/identity.ts';

/**
 * What each role may do, as patterns: `queues:*`, `*:read`, `*:*`. Whatever no line names is refused.
 * A line that begins with `-` takes away what a wider pattern gave.
 */
const GRANTS: Record<Role, readonly string[]> = {
  admin: ['*:*', 'me'],
  supervisor: [
    'me',
    '*:read',
    '-audit:read',
    '-users:read',
    '-sessions:read',
    '-trunks:read',
    '-sip:read',
    '-backups:read',
    'agents:write',
    'alarms:write',
    'calls:control',
    'calls:dial',
    'calls:forward-outside',
    'calls:monitor',
    'customers:write',
    'dispositions:write',
    'hours:write',
    'interactions:export',
    'interactions:write',
    'presence:write',
    'prompts:write',
    'queues:write',
    'reasons:write',
    'recordings:play',
    'recordings:control',
    'recordings:note',
    'skills:write',
    'teams:write',
  ],
  agent: [
    'me',
    'agents:read',
    'calls:control',
    'calls:dial',
    'customers:read',
    'customers:write',
    'dispositions:read',
    'interactions:read',
    'queues:read',
    'reasons:read',
    'recordings:control',
    'skills:read',
    'teams:read',
  ],
  auditor: ['me', '*:read', 'recordings:play'],
};

/** True when the role has the permission. */
export function allows(role: Role, permission: Permission): boolean {
  let allowed = false;
  for (const line of Object.hasOwn(GRANTS, role) ? GRANTS[role] : []) {
    if (line.startsWith('-') ? matches(line.slice(1), permission) : matches(line, permission))
      allowed = !line.startsWith('-');
  }
  return allowed;
}

/** The patterns of a role, for `GET /me`: a client hides what would be refused anyway. */
export function grantsOf(role: Role): readonly string[] {
  return GRANTS[role];
}

function matches(pattern: string, permission: string): boolean {
  const [area, act] = pattern.split(':');
  const [wantedArea, wantedAct] = permission.split(':');
  return (
    (area === '*' || area === wantedArea) &&
    (act === '*' || act === wantedAct) &&
    (area !== '*' || wantedAct !== undefined)
  );
}
