import type { Server } from '@hapi/hapi';
import { pagePolicy } from './headers.ts';
import { API_PREFIX, route } from './route.ts';

const STYLE = `:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:14px/1.5 system-ui,sans-serif;margin:0 auto;max-width:68rem;padding:1.5rem}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:2rem 0 .5rem;text-transform:capitalize}
details{border:1px solid var(--line);border-radius:6px;margin:.3rem 0}summary{cursor:pointer;padding:.4rem .6rem;display:flex;gap:.7rem;align-items:baseline}
summary:focus-visible{outline:2px solid Highlight}.m{font:600 12px ui-monospace,monospace;width:4rem}.p{font:13px ui-monospace,monospace}
.s{opacity:.75;margin-left:auto;text-align:right}.b{padding:0 .8rem .6rem}pre{background:var(--soft);padding:.6rem;overflow:auto;max-height:30rem;border-radius:6px;font-size:12px}
input{font:inherit;padding:.35rem .6rem;width:22rem;max-width:100%}`;

const SCRIPT = `const api=await(await fetch('openapi.json')).json();
const el=(tag,props={},...children)=>{const node=Object.assign(document.createElement(tag),props);node.append(...children);return node};
const resolve=(schema)=>schema&&schema.$ref?api.components.schemas[schema.$ref.split('/').pop()]:schema;
const block=(title,value)=>value?[el('h4',{textContent:title}),el('pre',{textContent:JSON.stringify(value,null,2)})]:[];
const main=document.querySelector('main');
document.querySelector('#version').textContent=api.info.version;
document.querySelector('#about').textContent=api.info.description;
const groups={};
for(const [path,operations] of Object.entries(api.paths))for(const [method,op] of Object.entries(operations))(groups[op.tags[0]]??=[]).push({path,method,op});
const rows=[];
for(const name of Object.keys(groups).sort()){
  const section=el('section',{},el('h2',{textContent:name}));
  for(const {path,method,op} of groups[name]){
    const answer=Object.entries(op.responses).find(([status])=>status!=='default');
    const who=op.security&&op.security.length===0?'no sign-in':(op['x-permission']+' ('+op['x-roles'].join(', ')+')');
    const row=el('details',{},el('summary',{},el('span',{className:'m',textContent:method.toUpperCase()}),el('span',{className:'p',textContent:path}),el('span',{className:'s',textContent:op.summary})),
      el('div',{className:'b'},el('p',{textContent:op.description??''}),el('p',{textContent:'Permission: '+who}),
        ...block('Parameters',op.parameters),...block('Body',op.requestBody&&Object.entries(op.requestBody.content).map(([type,c])=>({[type]:resolve(c.schema)}))[0]),
        ...block('Answer '+answer[0],answer[1].content&&resolve(answer[1].content['application/json'].schema))));
    row.dataset.text=(method+' '+path+' '+op.summary).toLowerCase();rows.push(row);section.append(row);
  }
  main.append(section);
}
document.querySelector('input').addEventListener('input',(event)=>{const wanted=event.target.value.toLowerCase();
  for(const row of rows)row.hidden=!row.dataset.text.includes(wanted);
  for(const section of main.children)section.hidden=![...section.querySelectorAll('details')].some((row)=>!row.hidden)});`;

const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Strongroom API</title><link rel="icon" href="/favicon.svg" type="image/svg+xml"><link rel="stylesheet" href="docs.css"></head>
<body><h1>Strongroom API <small id="version"></small></h1><p id="about"></p>
<p><label>Find <input type="search" placeholder="path, verb or words"></label> <a href="openapi.json">openapi.json</a></p>
<main></main><noscript>See <a href="openapi.json">openapi.json</a>.</noscript><script type="module" src="docs.js"></script></body></html>`;

/** `/api/v1/docs`: the API for people, drawn from openapi.json by a page of our own. */
export function docsPage(server: Server): void {
  const files = [
    ['/docs', 'text/html; charset=utf-8', PAGE, 'The API for people'],
    ['/docs.js', 'text/javascript; charset=utf-8', SCRIPT, 'Script of the page'],
    ['/docs.css', 'text/css; charset=utf-8', STYLE, 'Style of the page'],
  ] as const;
  for (const [path, type, body, summary] of files) {
    route(server, {
      method: 'GET',
      path,
      permission: 'public',
      summary,
      handler: ({ h }) =>
        h
          .response(body)
          .type(type)
          .header('content-security-policy', pagePolicy([]))
          .header('cache-control', 'no-cache'),
    });
  }
}

export const DOCS_PATH = `${API_PREFIX}/docs`;
