import { wordsFor } from '#lib/i18n/errors.ts';

export interface ToastView {
  id: number;
  tone: 'info' | 'danger';
  text: string;
}

const SHOWN_MS = 6_000;

/** Short news that nobody has to answer. Failures stay until they are put away. */
class Toasts {
  #last = 0;
  #all = $state.raw<ToastView[]>([]);

  get all(): ToastView[] {
    return this.#all;
  }

  info(text: string): void {
    const id = this.#add('info', text);
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  failed(error: unknown): void {
    const { what, remedy } = wordsFor(error);
    this.#add('danger', `${what} ${remedy}`.trim());
  }

  dismiss(id: number): void {
    this.#all = this.#all.filter((toast) => toast.id !== id);
  }

  clear(): void {
    this.#all = [];
  }

  #add(tone: ToastView['tone'], text: string): number {
    const id = ++this.#last;
    this.#all = [...this.#all.filter((toast) => toast.text !== text), { id, tone, text }].slice(-4);
    return id;
  }
}

export const toasts = new Toasts();

/** Runs something a person asked for; when it is refused, says so in words. */
export async function attempt(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    toasts.failed(error);
    return false;
  }
}
