/** A bare item (RFC 9651 §3.3), with its type: a number alone would not say whether it is an Integer or a Decimal. */
export type BareItem =
  /** At most 15 digits. */
  | { readonly type: 'integer'; readonly value: number }
  /** At most 12 digits before the point and 3 behind it. */
  | { readonly type: 'decimal'; readonly value: number }
  /** Printable ASCII. */
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'token'; readonly value: string }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  | { readonly type: 'boolean'; readonly value: boolean }
  /** Whole seconds since 1970. */
  | { readonly type: 'date'; readonly value: number }
  /** Unicode. */
  | { readonly type: 'display-string'; readonly value: string }

/** In their order; of a name that came twice the last value, in the place of the first (RFC 9651 §3.1.2). */
export type Parameters = ReadonlyMap<string, BareItem>
export type Item = { readonly value: BareItem; readonly parameters: Parameters }
export type InnerList = { readonly items: readonly Item[]; readonly parameters: Parameters }
export type Member = Item | InnerList
export type List = readonly Member[]
export type Dictionary = ReadonlyMap<string, Member>

export function isInnerList(member: Member): member is InnerList {
  return 'items' in member
}

/** Of an Integer: 15 digits (RFC 9651 §3.3.1), so that every double holds it. */
export const integerMax = 999_999_999_999_999
