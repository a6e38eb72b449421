export { accountFor, accountKinds, type Account, type AccountKind } from './accounts.ts'
export { holdsCardNumber, isLuhn, parseCardNumber } from './instruments/card-number.ts'
export { parseVaultValue, type VaultValue, type VaultValueParse } from './instruments/parse-vault-value.ts'
export { maskPhone } from './mask-phone.ts'
export { canTransition, isFinal, paymentTransitions, type PaymentTransition } from './payment-states.ts'
export {
  transferKinds, transferOf, transferPhaseOf, transferPhases, transferRules, type Transfer, type TransferKind, type TransferPhase,
  type TransferRule,
} from './transfers.ts'
