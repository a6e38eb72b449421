import { parseDictionary } from '../structured-fields/parse-structured.ts'
import { serializeDictionary } from '../structured-fields/serialize-structured.ts'
import { isInnerList, type BareItem, type Dictionary, type Member } from '../structured-fields/values.ts'
import { signatureLabel } from './profile.ts'

/** The member of our label, where it is the only one and the field is in its canonical form. */
export function soleMember(value: string): Member | undefined {
  const members: Dictionary = parseDictionary([value]) ?? new Map()
  return members.size === 1 && serializeDictionary(members) === value ? members.get(signatureLabel) : undefined
}

/** The bytes of a member that is nothing but bytes. */
export function bytesOf(member: Member | undefined): Uint8Array | undefined {
  const isPlain = member !== undefined && !isInnerList(member) && member.value.type === 'binary' && member.parameters.size === 0
  return isPlain ? member.value.value : undefined
}

export function textOf(item: BareItem | undefined): string | undefined {
  return item?.type === 'string' ? item.value : undefined
}
