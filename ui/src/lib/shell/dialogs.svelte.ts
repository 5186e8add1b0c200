export type DialogName = 'keys' | 'palette' | 'dial';

/** The dialogs that every page has. One is open at a time. */
class Dialogs {
  #open = $state<DialogName | undefined>();

  open(name: DialogName): void {
    this.#open = name;
  }
  close(): void {
    this.#open = undefined;
  }
  isOpen(name: DialogName): boolean {
    return this.#open === name;
  }
}

export const dialogs = new Dialogs();
