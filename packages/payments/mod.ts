export { accountFor, accountKinds, type Account, type AccountKind } from './accounts.ts'
export { maskPhone } from './mask-phone.ts'
export { canTransition, isFinal, paymentTransitions, type PaymentTransition } from './payment-states.ts'
export {
  collectionTransfer, transferKinds, transferStateOf, transferStates, transferTransitions,
  type NewTransfer, type TransferKind, type TransferState,
} from './transfers.ts'
