import { cardNetworks } from './card-networks.ts'

/** ISO/IEC 7812-1 §4.2: at most nineteen digits; the shortest in use (Maestro) has twelve. */
export const cardDigitsMin = 12
export const cardDigitsMax = 19
/** PCI DSS 4.0 §3.4.1 lets the last four digits be shown; we show no others. */
export const lastDigitsShown = 4

export type CardNumber = {
  /** Digits only. */
  readonly digits: string
  /** `null` where no range that we know holds it: a private label, or a range that is newer than our table. */
  readonly network: string | null
  readonly lastFour: string
}

/** Digits, with single spaces or hyphens between them: how people and cards write them. */
const written = /^[0-9](?:[ -]?[0-9])*$/

/** @returns the card number, or `undefined` where this is none: other characters, another length, a wrong check digit */
export function parseCardNumber(text: string): CardNumber | undefined {
  // Before anything that takes time with the length of what came.
  if (text.length > 2 * cardDigitsMax || !written.test(text)) return undefined
  const digits = text.replaceAll(/[ -]/g, '')
  if (digits.length < cardDigitsMin || digits.length > cardDigitsMax || !isLuhn(digits)) return undefined
  return { digits, network: cardNetworkOf(digits), lastFour: digits.slice(-lastDigitsShown) }
}

/** The check digit of ISO/IEC 7812-1 annex B ("Luhn"). @param digits digits only, one at least */
export function isLuhn(digits: string): boolean {
  let sum = 0
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 0x30
    const weighted = at % 2 === 0 ? digit : digit * 2
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return sum % 10 === 0
}

/** @returns the network whose longest range holds the number and whose lengths have it, or `null` */
export function cardNetworkOf(digits: string): string | null {
  let best: { readonly name: string; readonly prefixLength: number } | undefined
  for (const { name, lengths, ranges } of cardNetworks) {
    if (!lengths.includes(digits.length)) continue
    for (const [from, to] of ranges) {
      const prefix = digits.slice(0, from.length)
      // Of equal length, so that the order of the texts is the order of the numbers.
      const isInside = prefix >= from && prefix <= to
      if (isInside && from.length > (best?.prefixLength ?? 0)) best = { name, prefixLength: from.length }
    }
  }
  return best?.name ?? null
}

const longRun = /[0-9](?:[ -]?[0-9]){11,}/g

/**
 * Whether a text that is kept in clear holds what may be a card number. It errs on the side of saying so: a run of
 * twelve digits or more, of which some stretch of thirteen to nineteen passes the check digit and lies in a network's
 * range.
 */
export function holdsCardNumber(text: string): boolean {
  for (const [run] of text.matchAll(longRun)) {
    const digits = run.replaceAll(/[ -]/g, '')
    for (let from = 0; from + cardDigitsMin < digits.length; from++) {
      for (let length = cardDigitsMin + 1; length <= cardDigitsMax && from + length <= digits.length; length++) {
        const stretch = digits.slice(from, from + length)
        if (isLuhn(stretch) && cardNetworkOf(stretch) !== null) return true
      }
    }
  }
  return false
}
