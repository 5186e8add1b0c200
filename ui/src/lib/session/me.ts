/** `GET /me`, as the box answers it. */
export interface MeAnswer {
  user: { id: string; username: string; displayName: string; role: Role };
  permissions: string[];
  agent: { extension?: string | null; ringOn?: string | null; teamId?: string | null } | null;
  locale: string;
  timeZone: string;
  mustChangePassword: boolean;
}

/** Who is signed in, as the desktop needs it. */
export interface Me {
  id: string;
  username: string;
  displayName: string;
  role: Role;
  permissions: string[];
  language: string;
  timeZone: string;
  mustChangePassword: boolean;
  /** Set for people who take work. */
  agent: { extension: string | null; ringOn: string | null; teamId: string | null } | null;
}

export function meOf({ user, agent, locale, ...rest }: MeAnswer): Me {
  return {
    ...user,
    ...rest,
    language: locale,
    agent: agent
      ? { extension: agent.extension ?? null, ringOn: agent.ringOn ?? null, teamId: agent.teamId ?? null }
      : null,
  };
}

export type Role = 'admin' | 'supervisor' | 'agent' | 'auditor';

/**
 * Patterns of the role in their order: `queues:*`, `*:read`; a line that begins with `-` takes away what a wider one gave.
 * It only hides what the box would refuse anyway.
 */
export function allows(patterns: readonly string[], wanted: string): boolean {
  let allowed = false;
  for (const line of patterns) {
    const taken = line.startsWith('-');
    if (matches(taken ? line.slice(1) : line, wanted)) allowed = !taken;
  }
  return allowed;
}

function matches(pattern: string, wanted: string): boolean {
  const [area, act] = pattern.split(':');
  const [wantedArea, wantedAct] = wanted.split(':');
  if (wantedAct === undefined || act === undefined) return pattern === wanted;
  return (area === '*' || area === wantedArea) && (act === '*' || act === wantedAct);
}
