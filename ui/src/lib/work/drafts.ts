export interface Draft {
  disposition: string;
  notes: string;
}

const KEY = 'strongroom.drafts';
const KEPT = 20;

/** Notes that are not handed in yet, kept in this tab only: they must survive a reload, not a sign-out. */
export const drafts = {
  read(interactionId: string): Draft {
    return all().find(([id]) => id === interactionId)?.[1] ?? { disposition: '', notes: '' };
  },
  write(interactionId: string, draft: Draft): void {
    store([...all().filter(([id]) => id !== interactionId), [interactionId, draft] as const].slice(-KEPT));
  },
  remove(interactionId: string): void {
    store(all().filter(([id]) => id !== interactionId));
  },
  clear(): void {
    sessionStorage.removeItem(KEY);
  },
};

function all(): (readonly [string, Draft])[] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return Array.isArray(value) ? (value as [string, Draft][]) : [];
  } catch {
    return [];
  }
}

function store(entries: (readonly [string, Draft])[]): void {
  sessionStorage.setItem(KEY, JSON.stringify(entries));
}
