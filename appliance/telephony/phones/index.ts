export { makeCredentials } from './credentials.ts';
export type { PhoneBook } from './phone-book.ts';
export { type BrowserCredentials, createPhones, type NewPhone, type Phones, type PhonesOptions } from './phones.ts';
export { createPhoneStore, type PhoneRow, type PhoneStore } from './store.ts';
