import { Fault } from '@ngome/kernel'

/** A form of ours has four short fields. */
export const formBytesMax = 1_024
const names = ['network', 'phone', 'try', 'lang'] as const
const mediaType = /^application\/x-www-form-urlencoded(?:; ?charset=utf-8)?$/i
const tryPattern = /^[1-9]$/

export type CheckoutForm = { readonly network: string; readonly phone: string; readonly lang: string; readonly nextTry: number }

/**
 * Reads the form of a page (URL §5.1): each field once and no other. What they say is looked at later.
 * @throws Fault `request/media_type`, `request/invalid`
 */
export function readForm(type: string | undefined, bytes: Uint8Array): CheckoutForm {
  if (type === undefined || !mediaType.test(type)) throw new Fault('request/media_type', 'not a form')
  // What is no UTF-8 becomes replacement characters, which no field of ours takes.
  const entries = [...new URLSearchParams(Buffer.from(bytes).toString('utf8'))]
  const fields = new Map(entries)
  if (fields.size !== entries.length || !entries.every(([name]) => names.some((known) => known === name))) {
    throw new Fault('request/invalid', 'a form with other fields')
  }
  const nextTry = fields.get('try') ?? ''
  if (!tryPattern.test(nextTry)) throw new Fault('request/invalid', 'a form without its try')
  return { network: fields.get('network') ?? '', phone: fields.get('phone') ?? '', lang: fields.get('lang') ?? '', nextTry: Number(nextTry) }
}
