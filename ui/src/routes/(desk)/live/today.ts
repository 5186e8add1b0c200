/** Positions of queues and levels of skills, by id; what is missing is not served, not known. */
export interface Abilities {
  queues: Record<string, number>;
  skills: Record<string, number>;
}

export interface TodayChanges {
  queues: { queueId: string; position: number | null }[];
  skills: { skillId: string; level: number | null }[];
}

/** What counts now: the usual, with what is other today. */
export function withToday(usual: Abilities, { queues, skills }: TodayChanges): Abilities {
  return {
    queues: over(
      usual.queues,
      queues.map(({ queueId, position }) => [queueId, position]),
    ),
    skills: over(
      usual.skills,
      skills.map(({ skillId, level }) => [skillId, level]),
    ),
  };
}

/** What must be other today, so that the usual becomes this. */
export function changesFor(usual: Abilities, wanted: Abilities): TodayChanges {
  return {
    queues: differing(usual.queues, wanted.queues).map(([queueId, position]) => ({ queueId, position })),
    skills: differing(usual.skills, wanted.skills).map(([skillId, level]) => ({ skillId, level })),
  };
}

function over(usual: Record<string, number>, changes: [string, number | null][]): Record<string, number> {
  const all = Object.entries<number | null>({ ...usual, ...Object.fromEntries(changes) });
  return Object.fromEntries(all.filter((one): one is [string, number] => one[1] !== null));
}

function differing(usual: Record<string, number>, wanted: Record<string, number>): [string, number | null][] {
  const ids = [...new Set([...Object.keys(usual), ...Object.keys(wanted)])];
  return ids.filter((id) => usual[id] !== wanted[id]).map((id) => [id, wanted[id] ?? null]);
}
