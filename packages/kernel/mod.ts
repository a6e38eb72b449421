export {
  bansMax, forgetBansOrder, formatBanOrder, operatorBanSecondsMax, parseBanNetwork, parseBanOrder, type BanNetwork, type BanOrder,
} from './bans.ts'
export { equalsInConstantTime, lengthPrefixed, parseBase64Url, parseLengthPrefixed, textsEqualInConstantTime, toBase64Url, wipeableBytes } from './bytes.ts'
export { ManualClock, systemClock, type Clock } from './clock.ts'
export { Fault, publicFault, type FaultCode, type FieldFault, type PublicFault } from './fault.ts'
export { faults } from './faults.ts'
export * from './ids.ts'
export { currencyDigits, formatMoney, parseAmount, parseCurrency, parseMoney, type Currency, type Money } from './money.ts'
export { systemRandom, type Random } from './random.ts'
export { requestIds } from './request-ids.ts'
export { Secret } from './secret.ts'
export { parseStrictJson, type JsonValue, type StrictJsonBounds } from './strict-json.ts'
export { dataClasses, processRoles, worlds, type DataClass, type ProcessRole, type Tenant, type World } from './tenant.ts'
