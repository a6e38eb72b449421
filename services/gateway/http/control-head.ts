import { Fault, type FaultCode } from '@ngome/kernel'
import { headerGroups, headerTable, type HeaderGroup } from './header-table.ts'
import { headerCountMax, targetLengthMax } from './limits.ts'

/** The head of a request, as the parser hands it over: names as sent, in order, repeated ones included. */
export type RequestHead = {
  readonly method: string
  readonly target: string
  readonly httpVersion: string
  readonly rawHeaders: readonly string[]
}

export type HeadVerdict =
  /** `groups` are the bits of the header groups seen, for the route to compare with its own. */
  | { readonly ok: true; readonly groups: number }
  | { readonly ok: false; readonly fault: Fault }

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/**
 * Origin form only (RFC 9112 §3.2.1), no percent-encoding, no empty or dotted segment: a path of ours has one spelling,
 * so that no two readers of it can disagree. A query may be encoded, its values have schemas.
 */
const targetPattern = /^\/(?:[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*\/?)?(?:\?[A-Za-z0-9._~=&%+-]*)?$/

type CompiledRule = {
  readonly at: number; readonly isSecret: boolean; readonly bit: number; readonly lengthMax: number; readonly isOnce: boolean; readonly pattern: RegExp
  readonly code: FaultCode
}

/** Whose values are never kept, not even to know one again. */
const secretGroups: ReadonlySet<HeaderGroup> = new Set(['credential', 'signature'])
const codes: Readonly<Record<string, FaultCode>> = { 'content-encoding': 'request/media_type' }
/** By name, in lower case and as most clients write it. */
const rules: ReadonlyMap<string, CompiledRule> = new Map(Object.entries(headerTable).flatMap(([name, rule], at) => spellings(name).map((spelling) => [spelling, {
  at,
  isSecret: secretGroups.has(rule.group),
  bit: headerGroups[rule.group],
  lengthMax: rule.lengthMax,
  isOnce: rule.isOften !== true,
  pattern: rule.pattern,
  code: codes[name] ?? 'request/header_refused',
}])))

function spellings(name: string): readonly string[] {
  return [name, name.replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase())]
}

/**
 * Decides on the head of a request before anything else reads it.
 * @param hosts the names under which this gateway is known; another name is somebody else's page that resolves to us
 */
export class HeadControl {
  readonly #hosts: ReadonlySet<string>
  // In which request each header was seen last: says "again" without a set for each request.
  readonly #seenIn = new Float64Array(rules.size)
  #serial = 0
  // Of each header the value that passed last: the next request on a connection brings the same ones.
  readonly #passed: string[] = []

  constructor(hosts: readonly string[]) {
    this.#hosts = new Set(hosts.map((name) => name.toLowerCase()))
  }

  check(head: RequestHead): HeadVerdict {
    if (!methods.has(head.method)) return refuse('request/method_refused', 'the method is not one of ours')
    if (head.httpVersion !== '1.1') return refuse('request/malformed', 'HTTP/1.1 only')
    if (head.target.length > targetLengthMax || !targetPattern.test(head.target)) return refuse('request/malformed', 'the target is too long or not in its plain form')
    return this.#headers(head.rawHeaders)
  }

  #headers(raw: readonly string[]): HeadVerdict {
    if (raw.length > headerCountMax * 2) return refuse('request/header_refused', 'too many headers')
    const serial = ++this.#serial
    let groups = 0
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at] ?? ''
      const value = raw[at + 1] ?? ''
      const rule = rules.get(name) ?? rules.get(name.toLowerCase())
      if (rule === undefined) return refuse('request/header_refused', `${nameable(name)} is not allowed`)
      if (rule.isOnce && this.#seenIn[rule.at] === serial) return refuse('request/header_refused', `${nameable(name)} is repeated`)
      this.#seenIn[rule.at] = serial
      groups |= rule.bit
      if (this.#passed[rule.at] === value) continue
      if (value.length > rule.lengthMax) return refuse(rule.code, `${nameable(name)} is too long`)
      if (!rule.pattern.test(value)) return refuse(rule.code, `${nameable(name)} is not well formed`)
      if (rule.at === hostAt && !this.#hosts.has(hostName(value))) return refuse('request/header_refused', 'host is unknown')
      if (!rule.isSecret) this.#passed[rule.at] = value
    }
    return this.#seenIn[hostAt] === serial ? { ok: true, groups } : refuse('request/header_refused', 'host is missing')
  }
}

const hostAt = rules.get('host')?.at ?? -1

function hostName(host: string): string {
  return host.replace(/:[0-9]{1,5}$/, '').toLowerCase()
}

/** A header's name is echoed so that an integrator finds it; only what cannot be mistaken for anything else. */
function nameable(name: string): string {
  return /^[A-Za-z0-9-]{1,40}$/.test(name) ? name.toLowerCase() : 'a header'
}

/** The reason goes out: it is made of our own words and at most a header's name. */
function refuse(code: FaultCode, reason: string): HeadVerdict {
  return { ok: false, fault: new Fault(code, reason, { fields: [{ pointer: '', detail: `Refused: ${reason}.` }] }) }
}
