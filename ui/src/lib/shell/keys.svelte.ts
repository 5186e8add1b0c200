import { isSingleCharacter, matches } from './combo.ts';

export interface Binding {
  combo: string;
  label: () => string;
  group: 'work' | 'desktop';
  run: () => void;
  /** The combination does nothing, and is greyed in the map, while this is false. */
  when?: () => boolean;
}

const KEY = 'strongroom.single-keys';

/** All keyboard commands of the page: one list, so that the map that `?` shows cannot be wrong. */
class Keys {
  #bindings = $state.raw<Binding[]>([]);
  #singleKeys = $state(localStorage.getItem(KEY) !== 'off');

  get bindings(): Binding[] {
    return this.#bindings;
  }
  get singleKeys(): boolean {
    return this.#singleKeys;
  }
  set singleKeys(on: boolean) {
    this.#singleKeys = on;
    localStorage.setItem(KEY, on ? 'on' : 'off');
  }

  /** For `$effect(() => keys.bind([...]))`: bound while the component lives. */
  bind(bindings: Binding[]): () => void {
    // Reading the list here must not make the calling effect depend on it.
    queueMicrotask(() => {
      this.#bindings = [...this.#bindings, ...bindings];
    });
    return () => {
      this.#bindings = this.#bindings.filter((binding) => !bindings.includes(binding));
    };
  }

  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.repeat) return;
    const typing =
      event.target instanceof HTMLElement && event.target.matches('input, textarea, select, [contenteditable]');
    for (const { combo, run, when } of this.#bindings.toReversed()) {
      if (!matches(combo, event)) continue;
      if (isSingleCharacter(combo) && (typing || !this.#singleKeys)) continue;
      if (when && !when()) continue;
      event.preventDefault();
      run();
      return;
    }
  }
}

export const keys = new Keys();
