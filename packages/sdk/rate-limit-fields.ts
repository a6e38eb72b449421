/** What is left of one of the server's limits: requests (or their cost), and in how many seconds more come. */
export type Quota = { readonly name: string; readonly remaining: number; readonly resetS: number | undefined }

const fieldLengthMax = 1_024
const quotasMax = 16
/** A string or a token (RFC 9651 §3.3.3, §3.3.4), then its parameters. No text matches in two ways, so that none takes long. */
const item = /^(?:"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"|([A-Za-z*][\w!#$%&'*+.^`|~:/-]*))((?:; *[a-z*][\w.*-]*(?:=(?:"[^"]*"|[\w.:+/=?-]+))?)*)$/

/**
 * Reads a `RateLimit` field (draft-ietf-httpapi-ratelimit-headers, "RateLimit Field"): a list of named quotas, `r` what
 * remains, `t` seconds until more comes. What is not one is left out: it is advice, and a limit shows in a 429 anyway.
 */
export function parseRateLimit(field: string | undefined): readonly Quota[] {
  if (field === undefined || field.length > fieldLengthMax) return []
  return splitList(field).slice(0, quotasMax).flatMap((text) => {
    const [whole, quoted, token, parameters = ''] = item.exec(text) ?? []
    if (whole === undefined) return []
    const remaining = integer(parameters, 'r')
    return remaining === undefined ? [] : [{ name: quoted ?? token ?? '', remaining, resetS: integer(parameters, 't') }]
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
