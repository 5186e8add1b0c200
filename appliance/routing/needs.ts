// What an interaction asks of an agent at a moment, as one shared object per distinct need. Pure.
import type { Relaxation, Requirement } from './types.ts';

/** Skills with minimum levels, sorted; the same need is the same object, so agents can remember their answer to it. */
export interface Need {
  key: string;
  skills: readonly Requirement[];
}

export class Needs {
  readonly #byKey = new Map<string, Need>();

  /** The need after `waitedS` in the queue: the queue's skills as relaxed so far, and what the interaction asks for itself. */
  of(
    queueSkills: readonly Requirement[],
    relaxations: readonly Relaxation[],
    own: readonly Requirement[],
    waitedS: number,
  ): Need {
    const levels = new Map<string, number>();
    for (const { skillId, minLevel } of queueSkills) {
      const level = relaxed(skillId, minLevel, relaxations, waitedS);
      if (level !== null) levels.set(skillId, level);
    }
    for (const { skillId, minLevel } of own) levels.set(skillId, Math.max(minLevel, levels.get(skillId) ?? 0));
    const skills = [...levels]
      .map(([skillId, minLevel]) => ({ skillId, minLevel }))
      .sort((a, b) => (a.skillId < b.skillId ? -1 : 1));
    const key = skills.map(({ skillId, minLevel }) => `${skillId}:${minLevel}`).join(',');
    let need = this.#byKey.get(key);
    if (!need) {
      need = { key, skills };
      this.#byKey.set(key, need);
    }
    return need;
  }
}

export function satisfies(levels: Readonly<Record<string, number>>, need: Need): boolean {
  for (const { skillId, minLevel } of need.skills) {
    if ((levels[skillId] ?? 0) < minLevel) return false;
  }
  return true;
}

function relaxed(
  skillId: string,
  minLevel: number,
  relaxations: readonly Relaxation[],
  waitedS: number,
): number | null {
  let latest: Relaxation | undefined;
  for (const rule of relaxations) {
    if (rule.skillId === skillId && rule.afterS <= waitedS && (!latest || rule.afterS > latest.afterS)) latest = rule;
  }
  return latest ? latest.minLevel : minLevel;
}
