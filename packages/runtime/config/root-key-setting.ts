import { z } from 'zod'
import { parsePkcs11Uri, type Pkcs11Uri } from './pkcs11-uri.ts'

/** What holds the custodian's root key. */
export type RootKeySetting =
  | { readonly kind: 'file' }
  | { readonly kind: 'shares' }
  | { readonly kind: 'pkcs11'; readonly uri: Pkcs11Uri }

/** `file`, `shares`, or the URI of a key in a token. */
export const rootKeySetting = z.string().transform((text, context): RootKeySetting => {
  if (text === 'file' || text === 'shares') return { kind: text }
  if (!text.startsWith('pkcs11:')) {
    context.addIssue({ code: 'custom', message: 'must be file, shares or a pkcs11: URI' })
    return z.NEVER
  }
  const parsed = parsePkcs11Uri(text)
  if (parsed.ok) return { kind: 'pkcs11', uri: parsed.uri }
  context.addIssue({ code: 'custom', message: parsed.message })
  return z.NEVER
})
