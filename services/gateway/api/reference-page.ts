import { createHash } from 'node:crypto'
import { publicFault } from '@ngome/kernel'
import { anchorOf, explainedCodes } from './help-of.ts'
import type { JsonObject } from './json-schema.ts'
import type { OpenApiDocument, OpenApiOperation } from './openapi.ts'
import { escapeHtml as text } from '../http/escape-html.ts'
import { pageStyle } from './reference-style.ts'

export type ReferencePage = { readonly html: string; readonly contentSecurityPolicy: string }

/** The document for people: one page without scripts, whose one style is named by its hash. */
export function referencePage(document: OpenApiDocument): ReferencePage {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })))
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(document.info.title)} API reference</title>
<style>${pageStyle}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the reference</a>
<header>
<p class="mark">${text(document.info.title)}</p>
<h1>API reference</h1>
<p>${prose(document.info.description)} Version ${text(document.info.version)}. The same as data:
<a href="/v1/openapi.json">openapi.json</a>.</p>
</header>
<div class="columns">
<nav aria-label="Contents">
<ul>
<li><a href="#start">A first payment</a></li>
${operations.map(({ operation }) => `<li><a href="#${operation.operationId}">${text(operation.summary)}</a></li>`).join('\n')}
<li><a href="#webhooks">Webhooks</a></li>
<li><a href="#errors">Errors</a></li>
</ul>
</nav>
<main id="main">
${firstPayment}
${operations.map(({ path, method, operation }) => section(path, method, operation, document)).join('\n')}
${webhooks}
${errors()}
</main>
</div>
</body>
</html>
`
  const styleHash = createHash('sha256').update(pageStyle).digest('base64')
  return {
    html,
    contentSecurityPolicy: `default-src 'none'; style-src 'sha256-${styleHash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  }
}

const firstPayment = `<section aria-labelledby="start">
<h2 id="start">A first payment</h2>
<p>Keep the key in the environment of your server, never in code that you ship. The certificate authority of a test
platform lies in its data folder, as <code>ca.pem</code>.</p>
${code(`curl --cacert .ngome/ca.pem https://localhost:8443/v1/payments \\
  -H "Authorization: Bearer $NGOME_API_KEY" -H "Idempotency-Key: order-42" \\
  --json '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox",
           "payer":{"phone":"+46733123499"},"reference":"order-42"}'`)}
<p>Repeat a request that got no answer with the same <code>Idempotency-Key</code>: it acts once.</p>
</section>`

const webhooks = `<section aria-labelledby="webhooks">
<h2 id="webhooks">Webhooks</h2>
<p>We post each event to your endpoints, signed by the
<a href="https://www.standardwebhooks.com/">Standard Webhooks</a> scheme. Check <code>webhook-signature</code> over
<code>webhook-id</code>, <code>webhook-timestamp</code> and the exact body with your endpoint's secret, refuse timestamps
more than five minutes away, and answer 2xx. Anything else is tried again, later and later. An event may come twice: its
<code>webhook-id</code> is the same. An endpoint whose <code>encryption</code> is <code>required</code> gets them as JWE,
encrypted to your key, and nothing in clear: decrypt after the signature is checked.</p>
</section>`

function section(path: string, method: string, operation: OpenApiOperation, document: OpenApiDocument): string {
  const body = content(operation.requestBody)
  const [[status, answer]] = Object.entries(operation.responses).filter(([one]) => Number(one) < 400) as [[string, JsonObject]]
  const codes = Object.entries(operation.responses).filter(([one]) => Number(one) >= 400)
    .flatMap(([, one]) => Object.keys(content(one)?.['examples'] ?? {})).map((name) => name.replace('.', '/'))
  return `<section aria-labelledby="${operation.operationId}">
<h2 id="${operation.operationId}">${text(operation.summary)}</h2>
<p class="line"><span class="method">${method}</span> <code>${text(path)}</code></p>
<p>${prose(operation.description)}${operation.security.length > 0 ? ' Needs an API key.' : ''}</p>
${table('Parameters', ['Name', 'In', 'Meaning'], operation.parameters.map((one) =>
    [`<code>${text(one.name)}</code>`, one.in, `${prose(one.description)}${one.required ? ' Required.' : ''}`]))}
${table('Body', ['Field', 'Form', 'Meaning'], fields(resolve(body?.['schema'], document)))}
${body?.['example'] === undefined ? '' : `<h3>Request</h3>${json(body['example'])}`}
<h3>Answer ${text(status)}</h3>
<p>${prose(wordsOf(answer['description']))}</p>
${content(answer)?.['example'] === undefined ? '' : json(content(answer)?.['example'])}
${codes.length === 0 ? '' : `<h3>Errors</h3><p>${codes.map((one) =>
    `<a href="#${anchorOf(one)}"><code>${text(one)}</code></a>`).join(', ')}</p>`}
</section>`
}

/** The fields of an object schema, nested ones by their path. */
function fields(schema: JsonObject | undefined, before = ''): string[][] {
  const { properties = {}, required = [] } = (schema ?? {}) as { properties?: Record<string, JsonObject>; required?: string[] }
  return Object.entries(properties).flatMap(([name, property]) => {
    const path = before + name
    if (property['type'] === 'object') return fields(property, `${path}.`)
    const meaning = `${prose(wordsOf(property['description']))}${required.includes(name) ? '' : ' Optional.'}`
    return [[`<code>${text(path)}</code>`, `<code>${text(formOf(property))}</code>`, meaning]]
  })
}

function formOf(property: JsonObject): string {
  const { pattern, format, type, minLength, maxLength } = property
  if (pattern !== undefined || format !== undefined) return wordsOf(pattern ?? format)
  if (typeof maxLength !== 'number') return wordsOf(type)
  return `${wordsOf(type)}, ${minLength === maxLength ? '' : 'up to '}${maxLength} characters`
}

function wordsOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function errors(): string {
  const rows = [...explainedCodes].map((code) => {
    const row = publicFault(code)
    return [`<code id="${anchorOf(code)}">${text(code)}</code>`, String(row.status), text(row.public)]
  })
  return `<section aria-labelledby="errors">
<h2 id="errors">Errors</h2>
<p>A problem document (RFC 9457) with a <code>code</code> that does not change, <code>help</code> that leads to its line here, the
<code>errors</code> by field where there are any (<code>pointer</code>, RFC 6901), and a <code>request_id</code> to name when you ask us. Repeat what got 503 after <code>Retry-After</code> seconds, with the same <code>Idempotency-Key</code>.</p>
${table('Codes', ['Code', 'Status', 'Meaning'], rows)}
</section>`
}

function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  return `<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr></thead>
<tbody>
${rows.map(([first = '', ...rest]) => `<tr><th scope="row">${first}</th>${rest.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')}
</tbody>
</table></div>`
}

function content(part: JsonObject | undefined): JsonObject | undefined {
  const [first] = Object.values((part?.['content'] ?? {}) as Record<string, JsonObject>)
  return first
}

function resolve(schema: unknown, document: OpenApiDocument): JsonObject | undefined {
  const reference = (schema as { $ref?: string } | undefined)?.$ref
  if (reference === undefined) return schema as JsonObject | undefined
  const schemas = document.components['schemas'] as Record<string, JsonObject>
  return schemas[reference.slice(reference.lastIndexOf('/') + 1)]
}

function json(value: unknown): string {
  return code(JSON.stringify(value, null, 2))
}

function code(lines: string): string {
  return `<pre tabindex="0"><code>${text(lines)}</code></pre>`
}

/** A sentence, with what stands between backticks as code. */
function prose(raw: string): string {
  return text(raw).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}
