import { Fault, type Random, type Secret } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import { ckf, ckrOf, cku, pinRefusals, type Cryptoki, type Handle, type TokenInfo } from './cryptoki.ts'
import { findToken } from './find-token.ts'
import type { PinGuard } from './pin-guard.ts'
import { findTokenKey, makeTokenKey, missingKey, newKeyId, type TokenKey } from './token-key.ts'

/** A session that is logged in, and a key in it. */
export type OpenToken = {
  readonly cryptoki: Cryptoki
  readonly slot: Handle
  readonly session: Handle
  readonly key: TokenKey
  /** What kind of token it says that it is. */
  readonly model: string
}

/** CKR_CRYPTOKI_ALREADY_INITIALIZED: what we wanted is so. */
const alreadyInitialized = 0x191

/**
 * Opens the token from the very beginning: the module anew, the slot by the token's names, a session, one login, the key.
 * @param wanted the root's id; without one there must be a single key, which is made where it may be
 * @throws Fault `custodian/unavailable` where the token is away or does not answer, `custodian/start_refused` where its
 * PIN or its key is not as it must be
 */
export async function openToken(from: {
  readonly cryptoki: Cryptoki; readonly uri: Pkcs11Uri; readonly pins: PinGuard; readonly random: Random
}, { wanted, mayCreate }: { readonly wanted: string | undefined; readonly mayCreate: boolean }): Promise<OpenToken> {
  const { cryptoki, uri, pins, random } = from
  try {
    initialize(cryptoki)
    const { slot, info } = findToken(cryptoki, uri)
    assertPinMayBeTried(info)
    // Only who makes a key needs to write.
    const session = cryptoki.C_OpenSession(slot, ckf.serialSession | (mayCreate ? ckf.rwSession : 0))
    logIn(cryptoki, session, pins)
    const place = { cryptoki, session, uri }
    const key = findTokenKey(place, wanted) ?? (mayCreate ? await makeTokenKey(place, newKeyId(uri, random)) : undefined)
    if (key === undefined) throw missingKey(uri)
    return { cryptoki, slot, session, model: info.model.replace(/[ \0]+$/, ''), key }
  } catch (failure) {
    closeToken(cryptoki)
    if (failure instanceof Fault) throw failure
    throw new Fault('custodian/unavailable', `the token does not answer (${failure instanceof Error ? failure.message : 'unknown'}): see the HSM's own log`, { cause: failure })
  }
}

/** Ends all sessions, and with them the login. A module that is gone has nothing to end. */
export function closeToken(cryptoki: Cryptoki): void {
  try {
    cryptoki.C_Finalize()
  } catch {
    // It was not initialised, or its token died in its hands; the next opening begins anew either way.
  }
}

function initialize(cryptoki: Cryptoki): void {
  try {
    cryptoki.C_Initialize({ flags: ckf.osLockingOk })
  } catch (failure) {
    if (ckrOf(failure) !== alreadyInitialized) throw failure
  }
}

/** The last try belongs to a person, who knows whether he has the right PIN. */
function assertPinMayBeTried({ flags }: TokenInfo): void {
  if ((flags & ckf.pinLocked) !== 0) {
    throw new Fault('custodian/start_refused', 'the token has locked its PIN: let its security officer set a new one')
  }
  if ((flags & ckf.pinFinalTry) !== 0) {
    throw new Fault('custodian/start_refused', 'the token has one try left for its PIN: log in by hand, then start again')
  }
}

function logIn(cryptoki: Cryptoki, session: Handle, pins: PinGuard): void {
  const pin: Secret<string> = pins.read()
  try {
    pin.expose((text) => cryptoki.C_Login(session, cku.user, text))
  } catch (failure) {
    if (pinRefusals.has(ckrOf(failure) ?? 0)) throw pins.refused(pin, failure)
    throw failure
  }
  pins.accepted()
}
