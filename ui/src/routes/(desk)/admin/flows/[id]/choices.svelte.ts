import { createContext } from 'svelte';
import { getAll } from '#lib/api/client.ts';

export interface Named {
  id: string;
  name: string;
}
export interface PromptChoice extends Named {
  language: string;
  text: string | null;
}

/** What steps can refer to. What may not be read is an empty list, and no reason to show no flow. */
export class Choices {
  queues = $state.raw<Named[]>([]);
  hours = $state.raw<Named[]>([]);
  skills = $state.raw<Named[]>([]);
  agents = $state.raw<Named[]>([]);
  prompts = $state.raw<PromptChoice[]>([]);

  async load(): Promise<void> {
    const all = <T>(path: string) => getAll<T>(path).catch((): T[] => []);
    [this.queues, this.hours, this.skills, this.agents, this.prompts] = await Promise.all([
      all<Named>('/queues'),
      all<Named>('/hours'),
      all<Named>('/skills'),
      all<Named>('/agents'),
      all<PromptChoice>('/prompts'),
    ]);
  }

  readonly promptNames = $derived([...new Set(this.prompts.map(({ name }) => name))].toSorted());
  readonly music = $derived(this.promptNames.filter((name) => name.startsWith('music.') || name.startsWith('tone.')));
  readonly languages = $derived(
    [...new Set(['en', 'de', ...this.prompts.map(({ language }) => language)])]
      .filter((code) => code !== '*')
      .toSorted(),
  );

  nameOf(id: unknown): string | undefined {
    return [...this.queues, ...this.hours, ...this.skills, ...this.agents].find((one) => one.id === id)?.name;
  }
  /** The sound that a caller of this language hears. */
  soundOf(name: string, language: string): PromptChoice | undefined {
    const named = this.prompts.filter((prompt) => prompt.name === name);
    return (
      named.find((prompt) => prompt.language === language) ??
      named.find((prompt) => prompt.language === '*') ??
      named[0]
    );
  }
}

export const [useChoices, setChoices] = createContext<Choices>();
