import type { AgentLive } from '#appliance/contract/work.ts';
import { get, getAll } from '#lib/api/client.ts';

const KEY = 'strongroom.teams';
interface Team {
  id: string;
  name: string;
}

/** Which teams this supervisor looks at. Kept on this computer; a queue belongs to every team that serves it. */
export class Teams {
  readonly mine: string | null;
  #chosen = $state.raw<readonly string[]>(read());
  #known = $state.raw<Team[]>([]);
  /** Who serves a queue; a queue that is not here yet is shown. */
  #servedBy = $state.raw<ReadonlyMap<string, ReadonlySet<string>>>(new Map());
  #teamOf = $state.raw<ReadonlyMap<string, string | null>>(new Map());
  #asked = '';

  constructor(mine: string | null) {
    this.mine = mine;
    getAll<Team>('/teams')
      .then((teams) => {
        this.#known = teams.toSorted((a, b) => a.name.localeCompare(b.name));
      })
      .catch(() => undefined);
  }

  /** Teams to choose from: one alone is no choice. */
  get known(): Team[] {
    return this.#known.length > 1 ? this.#known : [];
  }
  get chosen(): readonly string[] {
    return this.#chosen;
  }
  get all(): boolean {
    return this.#chosen.length === 0;
  }
  get isMine(): boolean {
    return this.mine !== null && this.#chosen.length === 1 && this.#chosen[0] === this.mine;
  }

  choose(which: 'all' | 'mine'): void {
    this.#set(which === 'mine' && this.mine ? [this.mine] : []);
  }

  toggle(id: string): void {
    this.#set(this.#chosen.includes(id) ? this.#chosen.filter((one) => one !== id) : [...this.#chosen, id]);
  }

  hasAgent(agent: AgentLive): boolean {
    return this.all || (agent.teamId !== null && this.#chosen.includes(agent.teamId));
  }

  hasQueue(id: string): boolean {
    const agents = this.#servedBy.get(id);
    if (this.all || !agents) return true;
    return [...agents].some((agent) => this.#chosen.includes(this.#teamOf.get(agent) ?? ''));
  }

  /** Reads who serves these queues, once for each set of queues, and only when somebody filters. */
  async read(queueIds: string[]): Promise<void> {
    const wanted = queueIds.toSorted().join();
    if (this.all || wanted === this.#asked) return;
    this.#asked = wanted;
    const [agents, ...members] = await Promise.all([
      getAll<{ id: string; teamId: string | null }>('/agents').catch(() => []),
      ...queueIds.map((id) =>
        get<{ items: { agentId: string }[] }>(`/queues/${id}/agents`).then(
          ({ items }) => [id, new Set(items.map(({ agentId }) => agentId))] as const,
          () => undefined,
        ),
      ),
    ]);
    this.#teamOf = new Map(agents.map(({ id, teamId }) => [id, teamId]));
    this.#servedBy = new Map(members.filter((one) => one !== undefined));
  }

  #set(ids: string[]): void {
    this.#chosen = ids;
    localStorage.setItem(KEY, JSON.stringify(ids));
  }
}

function read(): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
