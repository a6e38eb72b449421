import { parsePhoneNumberFromString } from 'libphonenumber-js/max'

/** What can have a wallet. Some countries do not tell mobile numbers from others. */
const types: ReadonlySet<string | undefined> = new Set(['MOBILE', 'FIXED_LINE_OR_MOBILE'])

/**
 * Whether a number can be a mobile phone's in the network's country: no short code, no premium rate, no digit too many. What the operator
 * configured as the network's prefixes holds against the library, which may know a new range later than he does.
 * @param phone E.164, with the plus sign
 */
export function isPayablePhone(phone: string, { callingCode, prefixes = [] }: { readonly callingCode: string; readonly prefixes?: readonly string[] | undefined }): boolean {
  if (!phone.startsWith(`+${callingCode}`)) return false
  const parsed = parsePhoneNumberFromString(phone)
  if (parsed?.number !== phone || parsed.countryCallingCode !== callingCode) return false
  // A range may be newer than the library; how many digits a country's numbers have is not.
  if (prefixes.some((prefix) => phone.startsWith(`+${prefix}`))) return parsed.isPossible()
  return parsed.isValid() && types.has(parsed.getType())
}
