// Messages of one turn of the event loop, posted together and in order.

export class Outbox<Message> {
  readonly #post: (messages: Message[]) => void;
  #messages: Message[] = [];

  constructor(post: (messages: Message[]) => void) {
    this.#post = post;
  }

  add(message: Message): void {
    if (this.#messages.push(message) === 1) setImmediate(this.#send);
  }

  readonly #send = (): void => {
    const messages = this.#messages;
    this.#messages = [];
    this.#post(messages);
  };
}
