/** An authority that has us wait for longer is asked again all the same: once a day costs it nothing. */
const dayMs = 86_400_000

/** @returns how long to wait, in milliseconds, of `Retry-After` in either of its forms (RFC 9110 §10.2.3); a day at most */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const ms = /^[0-9]{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), dayMs)
}
