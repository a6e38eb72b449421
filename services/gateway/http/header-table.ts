import { headBytesMax, idempotencyKeyLengthMax } from './limits.ts'

/**
 * Groups of headers. A route names the groups that it takes; a header of another group is refused there. Each group is
 * one bit, so that a request's groups are compared with its route's in one step.
 */
export const headerGroups = {
  /** What every client sends: it names the host, the connection and the client itself. */
  every: 1,
  /** Who calls. */
  credential: 2,
  /** That a body follows, and what it is. */
  body: 4,
  /** Which effect this request repeats. */
  idempotency: 8,
  /** What browsers add by themselves to whatever a page asks for. */
  browser: 16,
  /** What payment networks add to their callbacks; we read none of it. */
  provider: 32,
  /** How a browser came to ask (Fetch Metadata): every route takes it, and `browsers/refuse-fetch.ts` looks at it. */
  fetch: 64,
  /** What browsers add to a visit of a page of ours. */
  visit: 128,
  /** What a browser asks before it lets a page ask (Fetch §3.3.4). */
  preflight: 256,
  /** That the caller signed this request (RFC 9421), what its body is (RFC 9530), and that it wants a signed answer. */
  signature: 512,
} as const
export type HeaderGroup = keyof typeof headerGroups

export type HeaderRule = {
  readonly group: HeaderGroup
  readonly lengthMax: number
  /** Whether it may come more than once; each time is held against the rule by itself. */
  readonly isOften?: true
  /** What the value may be made of; the whole value matches. */
  readonly pattern: RegExp
}

/** Printable ASCII without a space at either end (RFC 9110 §5.5 lets more through; nothing that we read needs more). */
const printable = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/
const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
const mediaRanges = /^[A-Za-z0-9!#$&^_.+*/;=,"' -]*$/
/** Without noughts before it, which some read as octal; RFC 9110 §8.6 lets them through. */
const length = /^(?:0|[1-9][0-9]*)$/
/** Names as browsers list them: in lower case (Fetch §4.9). */
const names = /^[a-z0-9-]+(?:, ?[a-z0-9-]+)*$/
const host = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?$/

/**
 * Every request header that may reach the gateway at all: what is not here is refused, and each may come once where its row
 * does not say otherwise. Absent on purpose: `transfer-encoding` (bodies are small, so that a length is always known and no two parsers can disagree on
 * where a request ends), `upgrade`, `trailer` and `te`, `x-http-method-override` and its kin, `forwarded` and
 * `x-forwarded-*` (we end TLS ourselves, so that whoever sends these wants to be somebody else), `range`.
 */
export const headerTable: Readonly<Record<string, HeaderRule>> = {
  host: { group: 'every', lengthMax: 260, pattern: host },
  connection: { group: 'every', lengthMax: 16, pattern: /^(?:keep-alive|close)$/i },
  'keep-alive': { group: 'every', lengthMax: 64, pattern: /^[a-z0-9=, ]*$/i },
  accept: { group: 'every', lengthMax: 512, pattern: mediaRanges },
  'accept-encoding': { group: 'every', lengthMax: 128, pattern: mediaRanges },
  'accept-language': { group: 'every', lengthMax: 256, pattern: mediaRanges },
  'accept-charset': { group: 'every', lengthMax: 128, pattern: mediaRanges },
  'user-agent': { group: 'every', lengthMax: 512, pattern: printable },
  'cache-control': { group: 'every', lengthMax: 128, pattern: printable },
  pragma: { group: 'every', lengthMax: 64, pattern: printable },
  date: { group: 'every', lengthMax: 40, pattern: printable },
  // W3C Trace Context §3: a merchant's tracing library adds them by itself. We do not read them.
  traceparent: { group: 'every', lengthMax: 128, pattern: /^[0-9a-f-]+$/ },
  // The same, §3.3.1, and W3C Baggage §3.3.1: senders may split these two.
  tracestate: { group: 'every', lengthMax: 512, isOften: true, pattern: printable },
  baggage: { group: 'every', lengthMax: 1_024, isOften: true, pattern: printable },
  'sec-fetch-site': { group: 'fetch', lengthMax: 16, pattern: token },
  'sec-fetch-mode': { group: 'fetch', lengthMax: 16, pattern: token },
  'sec-fetch-dest': { group: 'fetch', lengthMax: 16, pattern: token },
  origin: { group: 'browser', lengthMax: 300, pattern: printable },
  referer: { group: 'browser', lengthMax: 1_024, pattern: printable },
  'sec-fetch-user': { group: 'visit', lengthMax: 4, pattern: /^\?[01]$/ },
  'sec-fetch-storage-access': { group: 'browser', lengthMax: 16, pattern: token },
  'sec-ch-ua': { group: 'browser', lengthMax: 512, pattern: printable },
  'sec-ch-ua-mobile': { group: 'browser', lengthMax: 4, pattern: /^\?[01]$/ },
  'sec-ch-ua-platform': { group: 'browser', lengthMax: 64, pattern: printable },
  'sec-purpose': { group: 'visit', lengthMax: 64, pattern: printable },
  'sec-gpc': { group: 'browser', lengthMax: 1, pattern: /^1$/ },
  dnt: { group: 'browser', lengthMax: 1, pattern: /^[01]$/ },
  // A phone that saves data says so (Save Data API §3); we have nothing heavier to leave out.
  'save-data': { group: 'browser', lengthMax: 8, pattern: /^on$/i },
  // Android's web views name the app that they are in: links are opened in chats.
  'x-requested-with': { group: 'visit', lengthMax: 128, pattern: printable },
  priority: { group: 'browser', lengthMax: 16, pattern: /^[a-z0-9=, ]*$/ },
  'upgrade-insecure-requests': { group: 'visit', lengthMax: 1, pattern: /^1$/ },
  'if-none-match': { group: 'visit', lengthMax: 256, pattern: printable },
  'if-modified-since': { group: 'visit', lengthMax: 40, pattern: printable },
  // A browser sends another page's cookies of the same host name, whatever its port; a documentation page must bear it. No
  // route reads one, and no other route takes one.
  cookie: { group: 'visit', lengthMax: 4_096, pattern: printable },
  'access-control-request-method': { group: 'preflight', lengthMax: 16, pattern: token },
  'access-control-request-headers': { group: 'preflight', lengthMax: 256, pattern: names },
  authorization: { group: 'credential', lengthMax: 256, pattern: printable },
  'idempotency-key': { group: 'idempotency', lengthMax: idempotencyKeyLengthMax, pattern: /^[\x21-\x7e]+$/ },
  // A signature of RSA with 8192 bits, the longest that we take, has 1376 characters.
  'signature-input': { group: 'signature', lengthMax: 1_024, pattern: printable },
  signature: { group: 'signature', lengthMax: 1_600, pattern: printable },
  // The longest that `docs/signed-answers.md` has is some 320 characters.
  'accept-signature': { group: 'signature', lengthMax: 512, pattern: printable },
  'content-digest': { group: 'signature', lengthMax: 256, pattern: printable },
  'content-type': { group: 'body', lengthMax: 128, pattern: printable },
  'content-length': { group: 'body', lengthMax: 8, pattern: length },
  'content-encoding': { group: 'body', lengthMax: 16, pattern: /^identity$/i },
  expect: { group: 'body', lengthMax: 16, pattern: /^100-continue$/i },
  'x-reference-id': { group: 'provider', lengthMax: 64, pattern: printable },
  'x-target-environment': { group: 'provider', lengthMax: 64, pattern: printable },
  'x-callback-url': { group: 'provider', lengthMax: 512, pattern: printable },
  'ocp-apim-subscription-key': { group: 'provider', lengthMax: 128, pattern: printable },
}

for (const [name, rule] of Object.entries(headerTable)) {
  if (rule.lengthMax >= headBytesMax) throw new RangeError(`${name} may be longer than a whole head`)
}

/** The bits of these groups together. */
export function groupBits(groups: readonly HeaderGroup[]): number {
  return groups.reduce((bits, group) => bits | headerGroups[group], 0)
}

/** The names of the groups of these bits; empty where there are none. */
export function groupsOf(bits: number): string {
  if (bits === 0) return ''
  return Object.entries(headerGroups).filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name).join(', ')
}
