import { phonePattern } from '@ngome/contracts'

/** Countries whose numbers keep their first nought in the international form (ITU-T E.129): Benin, Congo, Ivory Coast. */
const keepNought: ReadonlySet<string> = new Set(['225', '229', '242'])
/** No country has shorter numbers of mobile phones; a slip of the thumb is not a stranger's phone. */
const nationalDigitsMin = 7
/** More than any way to write a number. */
const lengthMax = 40

/**
 * Reads a phone number as people type it, in the country of a network: `0772 123 456`, `772123456`, `256772123456` and
 * `+256 (0)772-123456` are one.
 * @returns E.164; `undefined` where it is not a number of that country
 */
export function readPhone(typed: string, callingCode: string): string | undefined {
  if (typed.length > lengthMax) return undefined
  const plain = typed.replaceAll(/[\s().\u00A0\u202F/-]/g, '')
  if (!/^\+?[0-9]{4,18}$/.test(plain)) return undefined
  const international = plain.startsWith('+') ? plain.slice(1) : plain.startsWith('00') ? plain.slice(2) : undefined
  const national = international ?? (plain.startsWith(callingCode) && plain.length > callingCode.length + 7 ? plain : undefined)
  const digits = national === undefined ? callingCode + withoutTrunk(plain, callingCode) : withoutInnerTrunk(national, callingCode)
  const phone = `+${digits}`
  const isLong = digits.length >= callingCode.length + nationalDigitsMin
  return digits.startsWith(callingCode) && isLong && phonePattern.test(phone) ? phone : undefined
}

function withoutTrunk(national: string, callingCode: string): string {
  return national.startsWith('0') && !keepNought.has(callingCode) ? national.slice(1) : national
}

/** `+256 (0)772…`: the nought in brackets is for those who dial within the country. */
function withoutInnerTrunk(international: string, callingCode: string): string {
  if (!international.startsWith(callingCode)) return international
  return callingCode + withoutTrunk(international.slice(callingCode.length), callingCode)
}
