/** What is left of one of the server's limits: tokens, of which a call takes its cost, and in how many seconds more come. */
export type Quota = { readonly name: string; readonly remaining: number; readonly resetS: number | undefined }
/** One of the server's limits: how many tokens there can be, and in how many seconds so many come. */
export type Policy = { readonly name: string; readonly quota: number; readonly windowS: number }

const fieldLengthMax = 1_024
const quotasMax = 16
/** A string or a token (RFC 9651 §3.3.3, §3.3.4), then its parameters. No text matches in two ways, so that none takes long. */
const item = /^(?:"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"|([A-Za-z*][\w!#$%&'*+.^`|~:/-]*))((?:; *[a-z*][\w.*-]*(?:=(?:"[^"]*"|[\w.:+/=?-]+))?)*)$/

/**
 * Reads a `RateLimit` field (draft-ietf-httpapi-ratelimit-headers, "RateLimit Field"): a list of named quotas, `r` what
 * remains, `t` seconds until more comes. What is not one is left out: it is advice, and a limit shows in a 429 anyway.
 */
export function parseRateLimit(field: string | undefined): readonly Quota[] {
  return itemsOf(field).flatMap(({ name, parameters }) => {
    const remaining = integer(parameters, 'r')
    return remaining === undefined ? [] : [{ name, remaining, resetS: integer(parameters, 't') }]
  })
}

/** Reads a `RateLimit-Policy` field (the same, "RateLimit-Policy Field"): `q` a quota, `w` the seconds in which it comes; one without is left out. */
export function parseRateLimitPolicy(field: string | undefined): readonly Policy[] {
  return itemsOf(field).flatMap(({ name, parameters }) => {
    const [quota = 0, windowS = 0] = [integer(parameters, 'q'), integer(parameters, 'w')]
    return quota === 0 || windowS === 0 ? [] : [{ name, quota, windowS }]
  })
}

function itemsOf(field: string | undefined): readonly { readonly name: string; readonly parameters: string }[] {
  if (field === undefined || field.length > fieldLengthMax) return []
  return splitList(field).slice(0, quotasMax).flatMap((text) => {
    const [whole, quoted, token, parameters = ''] = item.exec(text) ?? []
    return whole === undefined ? [] : [{ name: quoted ?? token ?? '', parameters }]
  })
}

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
 * @returns seconds from now, or `undefined` where it is neither
 */
export function parseRetryAfter(field: string | undefined, nowMs: number): number | undefined {
  if (field === undefined) return undefined
  if (/^[0-9]{1,9}$/.test(field)) return Number(field)
  const atMs = field.endsWith('GMT') ? Date.parse(field) : Number.NaN
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - nowMs) / 1_000))
}

/** At commas that are not within a string; a string that does not end makes it no list. */
function splitList(field: string): string[] {
  if (!/^(?:[^"]|"(?:[^"\\]|\\.)*")*$/.test(field)) return []
  return (field.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((text) => text.trim())
}

function integer(parameters: string, name: string): number | undefined {
  const value = new RegExp(`; *${name}=([0-9]{1,15})(?=;|$)`).exec(parameters)?.[1]
  return value === undefined ? undefined : Number(value)
}
