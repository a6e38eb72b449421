import { integerMax, isInnerList, type BareItem, type Dictionary, type Item, type List, type Member, type Parameters } from './values.ts'

/** The one text of an Item (RFC 9651 §4.1). @throws RangeError where a part has none */
export function serializeItem({ value, parameters }: Item): string {
  return serializeBareItem(value) + serializeParameters(parameters)
}

/** As {@link serializeItem}, for a List; empty where it has no members: such a field is not sent. */
export function serializeList(list: List): string {
  return list.map(serializeMember).join(', ')
}

/** As {@link serializeList}, for a Dictionary. */
export function serializeDictionary(dictionary: Dictionary): string {
  return Array.from(dictionary, ([key, member]) => {
    const isTrue = !isInnerList(member) && member.value.type === 'boolean' && member.value.value
    return serializeKey(key) + (isTrue ? serializeParameters(member.parameters) : `=${serializeMember(member)}`)
  }).join(', ')
}

/** An Inner List or an Item. @throws RangeError as {@link serializeItem} */
export function serializeMember(member: Member): string {
  return isInnerList(member)
    ? `(${member.items.map(serializeItem).join(' ')})${serializeParameters(member.parameters)}`
    : serializeItem(member)
}

function serializeParameters(parameters: Parameters): string {
  return Array.from(parameters, ([key, value]) => {
    const isTrue = value.type === 'boolean' && value.value
    return `;${serializeKey(key)}${isTrue ? '' : `=${serializeBareItem(value)}`}`
  }).join('')
}

function serializeKey(key: string): string {
  return held(key, /^[a-z*][a-z0-9_.*-]*$/)
}

/** RFC 9651 §4.1.3.1 */
function serializeBareItem(item: BareItem): string {
  switch (item.type) {
    case 'integer': return serializeInteger(item.value)
    case 'decimal': return serializeDecimal(item.value)
    case 'string': return plainString.test(item.value) ? `"${item.value}"` : `"${held(item.value, /^[\x20-\x7e]*$/).replaceAll(/["\\]/g, '\\$&')}"`
    case 'token': return held(item.value, /^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/)
    case 'binary': return `:${Buffer.from(item.value).toString('base64')}:`
    case 'boolean': return item.value ? '?1' : '?0'
    case 'date': return `@${serializeInteger(item.value)}`
    case 'display-string': return serializeDisplayString(item.value)
    default: return item satisfies never
  }
}

/** A string in which nothing is escaped. */
const plainString = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/

function serializeInteger(value: number): string {
  if (!Number.isInteger(value) || Math.abs(value) > integerMax) throw new RangeError('a number that is no Integer')
  return String(value + 0)
}

/** RFC 9651 §4.1.5: three digits behind the point, halves to the even neighbour. */
function serializeDecimal(value: number): string {
  const thousandths = Math.abs(value) * 1_000
  const below = Math.floor(thousandths)
  const rest = thousandths - below
  const rounded = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
  if (!(rounded <= integerMax)) throw new RangeError('a number that is no Decimal')
  const digits = String(rounded).padStart(4, '0')
  const fraction = digits.slice(-3).replace(/0{1,2}$/, '')
  return `${value < 0 && rounded > 0 ? '-' : ''}${digits.slice(0, -3)}.${fraction}`
}

/** RFC 9651 §4.1.11 */
function serializeDisplayString(value: string): string {
  if (!value.isWellFormed()) throw new RangeError('a text that is not well-formed Unicode')
  const encoded = Array.from(Buffer.from(value, 'utf8'), (byte) => {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25 && byte !== 0x22
    return isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`
  })
  return `%"${encoded.join('')}"`
}

function held(text: string, pattern: RegExp): string {
  if (!pattern.test(text)) throw new RangeError('a text that its type cannot hold')
  return text
}
