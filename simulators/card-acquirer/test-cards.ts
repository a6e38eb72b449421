/** What becomes of an order, and by which code of ours (README.md has them all). */
export type Decision = { readonly status: 'succeeded' | 'failed'; readonly code: string }

export type TestCard = {
  readonly number: string
  readonly name: string
  /** Refused at the door, so that nothing is taken. */
  readonly refusal?: string
  readonly decision: Decision
  /** When the decision shows, counted from the taking or from the end of a challenge. */
  readonly when?: 'soon' | 'delayed'
  /** Its holder is asked by his bank before anything is decided. */
  readonly isChallenged?: true
  readonly request?: 'take_and_hang' | 'take_and_answer'
  readonly enquiry?: 'ambiguous'
  readonly callback?: 'drop' | 'twice' | 'forge' | 'lie'
  /** What becomes of a refund to it. */
  readonly refund?: Decision | 'delayed'
}

const yes: Decision = { status: 'succeeded', code: '00' }
const no = (code: string): Decision => ({ status: 'failed', code })

/**
 * The only numbers that are taken: they have a valid check digit and lie in ranges that are used for tests, so that nobody's own
 * card is ever typed in here. Codes are those of ISO 8583 (field 39), as acquirers pass them on.
 */
export const testCards: readonly TestCard[] = [
  { number: '4242424242424242', name: 'succeeds, frictionless', decision: yes },
  { number: '5555555555554444', name: 'succeeds, frictionless, another network', decision: yes },
  { number: '4000000000000002', name: 'do not honour', decision: no('05') },
  { number: '4000000000000010', name: 'insufficient funds', decision: no('51') },
  { number: '4000000000000028', name: 'expired card', decision: no('54') },
  { number: '4000000000000036', name: 'lost card', decision: no('41') },
  { number: '4000000000000044', name: 'stolen card', decision: no('43') },
  { number: '4000000000000051', name: 'not permitted to the holder', decision: no('57') },
  { number: '4000000000000069', name: 'over its limit', decision: no('61') },
  { number: '4000000000000077', name: 'no such card', decision: no('14') },
  { number: '4000000000000085', name: 'suspected fraud', decision: no('59') },
  { number: '4000000000000093', name: 'the issuer is away', decision: no('91') },
  { number: '4000000000000101', name: 'a code that nobody knows', decision: no('ZZ') },
  { number: '4000000000000119', name: 'challenged, then succeeds', isChallenged: true, decision: yes },
  { number: '4000000000000127', name: 'challenged, then insufficient funds', isChallenged: true, decision: no('51') },
  { number: '4000000000000135', name: 'authentication refused without a challenge', decision: no('authentication_failed') },
  { number: '4000000000000143', name: 'taken, never answered', decision: yes, request: 'take_and_hang' },
  { number: '4000000000000150', name: 'taken, answered 503', decision: yes, request: 'take_and_answer' },
  { number: '4000000000000168', name: 'nobody knows for a while', decision: yes, when: 'delayed', enquiry: 'ambiguous' },
  { number: '4000000000000176', name: 'succeeds late', decision: yes, when: 'delayed' },
  { number: '4000000000000184', name: 'called back twice', decision: yes, callback: 'twice' },
  { number: '4000000000000192', name: 'called back under a wrong signature', decision: yes, callback: 'forge' },
  { number: '4000000000000200', name: 'declined, called back as success', decision: no('05'), callback: 'lie' },
  { number: '4000000000000218', name: 'never called back', decision: yes, callback: 'drop' },
  { number: '4000000000000226', name: 'takes no refunds', decision: yes, refund: no('57') },
  { number: '4000000000000234', name: 'refunded late', decision: yes, refund: 'delayed' },
  { number: '4000000000000242', name: 'refused at the door', refusal: 'card_not_supported', decision: no('57') },
]

const byNumber = new Map(testCards.map((card) => [card.number, card]))

export function testCard(number: string): TestCard | undefined {
  return byNumber.get(number)
}
