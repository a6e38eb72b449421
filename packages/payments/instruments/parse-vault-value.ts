import { phonePattern, type VaultTokenType } from '@ngome/contracts'
import { maskCard } from '../mask-card.ts'
import { maskPhone } from '../mask-phone.ts'
import { callingCodeOf } from './calling-code.ts'
import { cardDigitsMax, cardDigitsMin, parseCardNumber } from './card-number.ts'

/** A value that was recognised: what is sealed, and the little that may be shown of it. */
export type VaultValue = {
  /** In the one form that equal values share: what is sealed, and what fingerprints are made of. */
  readonly normalised: string
  /** The card's network; `null` for other types and for ranges that we do not know. */
  readonly network: string | null
  /** `•••• 4242`, `+256•••123`, or `null` where nothing is shown. */
  readonly masked: string | null
}

export type VaultValueParse =
  | { readonly ok: true; readonly value: VaultValue }
  /** Why not, in a sentence that tells nothing of the value. */
  | { readonly ok: false; readonly detail: string }

/**
 * Recognises a value by its type. Equal values written in different ways come out as the same text.
 * Shows at most what PCI DSS 4.0 §3.4.1 lets be shown: network and last four digits.
 */
export function parseVaultValue(type: VaultTokenType, text: string): VaultValueParse {
  switch (type) {
    case 'card_number':
      return cardNumber(text)
    case 'phone':
      return phonePattern.test(text)
        ? recognised(text, null, maskPhone(text, callingCodeOf(text))) : refused('This is not an E.164 phone number.')
    case 'identity_document':
      return numbered(text, identityDocument, 'This is not a document number: letters, digits and separators, 4 to 64.')
    case 'bank_account':
      return numbered(text, bankAccount, 'This is not an account number: letters and digits, 4 to 34.')
    case 'text':
      return text.length === 0 ? refused('This is empty.') : recognised(text.normalize('NFC'), null, null)
    default:
      return type satisfies never
  }
}

const identityDocument = /^[A-Z0-9]{4,64}$/
/** The longest IBAN has 34 characters (ISO 13616-1 §5); national forms are shorter. */
const bankAccount = /^[A-Z0-9]{4,34}$/
const separators = /[ ./-]/g

function cardNumber(text: string): VaultValueParse {
  const card = parseCardNumber(text)
  return card === undefined
    ? refused(`This is not a card number: ${cardDigitsMin} to ${cardDigitsMax} digits with a valid check digit.`)
    : recognised(card.digits, card.network, maskCard(card.lastFour))
}

function numbered(text: string, pattern: RegExp, detail: string): VaultValueParse {
  const normalised = text.normalize('NFKC').replaceAll(separators, '').toUpperCase()
  return pattern.test(normalised) ? recognised(normalised, null, null) : refused(detail)
}

function recognised(normalised: string, network: string | null, masked: string | null): VaultValueParse {
  return { ok: true, value: { normalised, network, masked } }
}

function refused(detail: string): VaultValueParse {
  return { ok: false, detail }
}
