/** The languages of the page, as `lang` attributes and addresses write them (BCP 47). */
export const languages = ['en', 'fr', 'sw', 'lg'] as const
export type Language = (typeof languages)[number]

/** All that the page says; a language that leaves one out does not compile. None of it is HTML. */
export type Messages = {
  /** The language's own name for itself. */
  readonly name: string
  readonly languageLabel: string
  readonly testMode: string
  readonly testModeHint: string
  readonly payTo: string
  readonly reference: string
  readonly networkLabel: string
  readonly phoneLabel: string
  readonly phoneHint: string
  readonly phoneWrong: string
  readonly networkWrong: string
  readonly pay: (amount: string) => string
  readonly asking: string
  readonly pinWarning: string
  readonly waitingTitle: string
  readonly waitingText: (phone: string) => string
  readonly waitingHint: string
  readonly refresh: string
  readonly paidTitle: string
  readonly paidText: string
  readonly paymentLabel: string
  readonly back: (shop: string) => string
  readonly leave: (shop: string) => string
  readonly failedBefore: string
  readonly failures: Readonly<Record<FailureKind, string>>
  readonly failedTitle: string
  readonly failedText: string
  readonly reversedTitle: string
  readonly reversedText: string
  readonly expiredTitle: string
  readonly expiredText: string
  readonly cancelledTitle: string
  readonly cancelledText: string
  readonly unavailableTitle: string
  readonly unavailableText: string
  readonly closedTitle: string
  readonly closedText: string
  readonly unknownTitle: string
  readonly unknownText: string
  readonly tooManyTitle: string
  readonly tooManyText: string
  readonly brokenTitle: string
  readonly brokenText: string
}

/** Why a payment came to nothing, as far as its payer can do something about it. */
export type FailureKind = 'refused' | 'timedOut' | 'noMoney' | 'wrongNumber' | 'limit' | 'other'
