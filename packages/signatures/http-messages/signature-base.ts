import { serializeItem, serializeMember } from '../structured-fields/serialize-structured.ts'
import type { InnerList, Item } from '../structured-fields/values.ts'
import { authorityOf, type HttpMessage } from './message.ts'

/**
 * The bytes that a signature is over (RFC 9421 §2.5). Fields are covered as they are, `@query-param` by its name, what an
 * answer says of its request by `req` (§2.4); the parameters `sf`, `bs`, `key` and `tr` are not known here: nothing that we
 * sign needs them, and each is a second way to say a thing.
 * @param input the member of `Signature-Input`: covered components and parameters
 * @returns `undefined` where a component is none, comes twice, is not in the message or cannot be covered
 */
export function signatureBase(message: HttpMessage, input: InnerList): Uint8Array | undefined {
  const lines = new Map<string, string>()
  for (const component of input.items) {
    const name = serializeItem(component)
    const value = componentValue(message, component)
    // A line feed in a value would be the start of a line that nobody signed.
    if (value === undefined || lines.has(name) || /[\r\n]/.test(value)) return undefined
    lines.set(name, value)
  }
  return baseOf(lines, serializeMember(input))
}

/**
 * The same for plain components that are known to be different, of an input that is written already.
 * @param written how `input` is serialised
 * @param ofRequest behind the others, what an answer covers of its request
 */
export function plainSignatureBase(
  message: HttpMessage, names: readonly string[], written: string, ofRequest: readonly string[] = [],
): Uint8Array | undefined {
  const lines = new Map<string, string>()
  const add = (from: HttpMessage | undefined, name: string, suffix: string): boolean => {
    const value = from === undefined ? undefined : plainValue(from, name)
    if (value === undefined || /[\r\n]/.test(value)) return false
    lines.set(`"${name}"${suffix}`, value)
    return true
  }
  const isWhole = names.every((name) => add(message, name, '')) && ofRequest.every((name) => add(message.request, name, ';req'))
  return isWhole ? baseOf(lines, written) : undefined
}

function baseOf(lines: ReadonlyMap<string, string>, written: string): Uint8Array {
  let text = ''
  for (const [name, value] of lines) text += `${name}: ${value}\n`
  return Buffer.from(`${text}"@signature-params": ${written}`, 'latin1')
}

function componentValue(message: HttpMessage, { value: name, parameters }: Item): string | undefined {
  if (name.type !== 'string') return undefined
  if (name.value === '@query-param') {
    const [parameter, ...others] = parameters
    const isNamed = parameter?.[0] === 'name' && parameter[1].type === 'string' && others.length === 0
    return isNamed ? queryParameter(message, String(parameter[1].value)) : undefined
  }
  if (parameters.size === 0) return plainValue(message, name.value)
  return isOfRequest(parameters) && message.request !== undefined ? plainValue(message.request, name.value) : undefined
}

/** RFC 9421 §2.4: the component is one of the request that this answers. */
export function isOfRequest(parameters: Item['parameters']): boolean {
  const req = parameters.get('req')
  return parameters.size === 1 && req?.type === 'boolean' && req.value
}

function plainValue(message: HttpMessage, name: string): string | undefined {
  if (name.startsWith('@')) return derivedValue(message, name)
  // RFC 9421 §2.1: a name in upper case is a name that a field does not have.
  return name === name.toLowerCase() ? message.field(name)?.trim() : undefined
}

/** RFC 9421 §2.2 */
function derivedValue({ method, target, host, status }: HttpMessage, name: string): string | undefined {
  switch (name) {
    case '@method': return method
    case '@authority': return host === undefined ? undefined : authorityOf(host)
    case '@path': return target?.split('?', 1)[0]
    // §2.2.7: an absent query is an empty one, with its question mark.
    case '@query': return target === undefined ? undefined : `?${queryOf(target)}`
    case '@request-target': return target
    case '@status': return status === undefined ? undefined : String(status)
    default: return undefined
  }
}

/** RFC 9421 §2.2.8; of a name that comes twice no single value can be covered. */
function queryParameter({ target }: HttpMessage, name: string): string | undefined {
  if (target === undefined) return undefined
  const found = Array.from(new URLSearchParams(queryOf(target))).filter(([key]) => encoded(key) === name)
  return found.length === 1 ? encoded(found[0]?.[1] ?? '') : undefined
}

function queryOf(target: string): string {
  const at = target.indexOf('?')
  return at === -1 ? '' : target.slice(at + 1)
}

/** RFC 9421 §2.2.8: percent-encoded anew, so that every spelling gives the same text. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
