// The desktop lives in the browser alone: the appliance serves files and an API.
export const ssr = false;
export const prerender = false;
