import { isClientSealedForm, type VaultTokenType } from '@ngome/contracts'
import { openClientSealed, parseClientSealed, type ClientSealed } from '@ngome/envelope'
import { Fault, parseBase64Url, Secret } from '@ngome/kernel'
import { parseVaultValue } from '@ngome/payments'
import { innerRefused, type Opening, type SealedRecord } from '../custodian/open-sealed.ts'

export type OpenedValue = {
  /** Normalised. */
  readonly value: Secret<string>
  /** What may be shown of it, where its client sealed it, so that nobody else could look; else the gateway has written it. */
  readonly shown?: { readonly network: string | null; readonly masked: string | null }
}

/** As `VaultTokenOpening` says of these. */
export type ClientValueOpening =
  | { readonly kind: 'opened'; readonly opened: OpenedValue }
  | { readonly kind: 'unopenable'; readonly reason: string }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'later'; readonly reason: string }

/**
 * Opens what a client sealed, and is the first to look at it: the gateway could not. Whatever is wrong with it is the client's
 * doing, and no alarm.
 * @param openAgain opens the record once more, now with the key of what was sealed within it
 * @throws Fault `custodian/unavailable`
 */
export async function openClientValue(
  openAgain: (inner: NonNullable<SealedRecord['inner']>) => Promise<Opening>, type: VaultTokenType, clientSealed: string,
): Promise<ClientValueOpening> {
  const sealed = parseClientSealed(parseBase64Url(clientSealed) ?? new Uint8Array())
  // The gateway has looked at the form; a record that it sealed without is not of its making.
  if (sealed === undefined || !isClientSealedForm(type, sealed.isLong)) {
    return { kind: 'unopenable', reason: 'what a client sealed has another form' }
  }
  const opening = await openAgain({ sealed, type })
  if (opening.kind === 'unopenable' && opening.reason === innerRefused) return { kind: 'invalid' }
  if (opening.kind !== 'opened') return opening
  opening.plaintext.fill(0)
  if (opening.innerKey === undefined) throw new TypeError('an opening without the key that it was asked for')
  const text = valueIn(opening.innerKey, sealed)
  const parsed = text === undefined ? undefined : parseVaultValue(type, text)
  if (parsed?.ok !== true) return { kind: 'invalid' }
  const { normalised, network, masked } = parsed.value
  return { kind: 'opened', opened: { value: new Secret(normalised), shown: { network, masked } } }
}

function valueIn(key: Secret<Uint8Array>, sealed: ClientSealed): string | undefined {
  let bytes: Uint8Array | undefined
  try {
    bytes = openClientSealed(key, sealed)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    // A TypeError is the decoder's: no UTF-8.
    const isRefused = error instanceof Fault && error.code === 'envelope/open_refused'
    if (isRefused || error instanceof TypeError) return undefined
    throw error
  } finally {
    bytes?.fill(0)
    key.expose((secret) => secret.fill(0))
  }
}
