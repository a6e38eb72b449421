import { Fault } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import { ckf, type Cryptoki, type Handle, type TokenInfo } from './cryptoki.ts'

/**
 * Finds the slot that holds the token now. Slots are renumbered by a restart, a firmware or another reader, so this is
 * asked anew at each opening.
 * @throws Fault `custodian/unavailable` where no such token is there, or two are
 */
export function findToken(cryptoki: Cryptoki, uri: Pkcs11Uri): { readonly slot: Handle; readonly info: TokenInfo } {
  const found = cryptoki.C_GetSlotList(true).flatMap((slot) => {
    const info = tokenInfo(cryptoki, slot)
    return info !== undefined && isMeant(info, uri) ? [{ slot, info }] : []
  })
  const [token, other] = found
  if (token !== undefined && other === undefined) return token
  const name = uri.token ?? uri.serial ?? ''
  throw new Fault('custodian/unavailable', token === undefined
    ? `the token ${name} is away: plug it in, or bring the HSM back; it is taken up again by itself`
    : `two tokens answer to ${name}: name one by its serial=, or take the other away`)
}

/** A reader whose token is being pulled answers an error; the others still count. */
function tokenInfo(cryptoki: Cryptoki, slot: Handle): TokenInfo | undefined {
  try {
    return cryptoki.C_GetTokenInfo(slot)
  } catch {
    return undefined
  }
}

function isMeant(info: TokenInfo, uri: Pkcs11Uri): boolean {
  // The fields are padded with blanks (PKCS#11 §3.2), some modules pad with zeros.
  const is = (wanted: string | undefined, field: string): boolean => wanted === undefined || wanted === field.replace(/[ \0]+$/, '')
  return (info.flags & ckf.tokenInitialized) !== 0 && is(uri.token, info.label) && is(uri.serial, info.serialNumber)
    && is(uri.manufacturer, info.manufacturerID) && is(uri.model, info.model)
}
