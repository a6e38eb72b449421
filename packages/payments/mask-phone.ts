/** What stands for the hidden digits, always three, so that the mask does not tell how many there are. */
const hidden = '•••'
/** Shown at the end, for a person to recognise their own number. */
const tailDigits = 3
/** With fewer hidden digits than this the rest could be tried out; then the tail is hidden too. */
const hiddenDigitsMin = 4
/** ITU-T E.164 §6.1: a country code has one to three digits; anything longer would show the number itself. */
const callingCodePattern = /^[1-9][0-9]{0,2}$/

/**
 * Masks a phone number to its country calling code and its last three digits: `+46733123499` is `+46•••499`.
 * @param phone E.164
 * @param callingCode the country's calling code without the plus sign; where the number does not begin with it,
 * the beginning is hidden as well
 */
export function maskPhone(phone: string, callingCode: string): string {
  const isOfCountry = callingCodePattern.test(callingCode) && phone.startsWith(`+${callingCode}`)
  const prefix = isOfCountry ? `+${callingCode}` : ''
  const hiddenDigits = phone.length - 1 - callingCode.length - tailDigits
  return hiddenDigits < hiddenDigitsMin ? prefix + hidden : prefix + hidden + phone.slice(-tailDigits)
}
