/** Country codes of one digit and of two (ITU-T, "List of Recommendation E.164 assigned country codes"). */
const oneDigit = /^[17]/
const twoDigits = /^(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/

/** The country's calling code of an E.164 number: whatever is not assigned shorter has three digits (E.164 §6.2.1). */
export function callingCodeOf(phone: string): string {
  const digits = phone.slice(1)
  if (oneDigit.test(digits)) return digits.slice(0, 1)
  return digits.slice(0, twoDigits.test(digits) ? 2 : 3)
}
