export { childEnvironment } from './config/child-environment.ts'
export { configSchema, type Config } from './config/schema.ts'
export { formatPkcs11Uri, parsePkcs11Uri, type Pkcs11Uri } from './config/pkcs11-uri.ts'
export type { RootKeySetting } from './config/root-key-setting.ts'
export type { NetworkConfig } from './config/fields.ts'
export { configPath, loadConfig, type ConfigSurroundings } from './config/load-config.ts'
export { specialVariables, type Environment } from './config/environment.ts'
export {
  authorityPath, ceremonySocketName, ceremonySocketPath, processFolder, successorSocketName, successorSocketPath,
  type FolderOwner,
} from './config/process-folder.ts'
export { x509 } from './identity/x509.ts'
export { createLogger, type Logger, type LogLevel } from './logs/create-logger.ts'
export { redact, redactText } from './logs/redact.ts'
export { enrol, type Enrolment } from './identity/enrol.ts'
export { createIdentity, type Identity, type IdentityContext, type IdentityParts } from './identity/identity.ts'
export { newCertificateRequest, type CertificateRequest } from './identity/certificate-request.ts'
export { authoritiesHeader, authorityMark, parseAuthorities } from './identity/authority-bundle.ts'
export { parsePublicKeyText, publicKeyText } from './identity/public-key-text.ts'
export { parseCertificateRole, spiffeId } from './identity/spiffe.ts'
export { custodianClient, type CallOptions, type CustodianClient } from './custodian/custodian-client.ts'
export { nearest } from './config/nearest.ts'
export { attemptForbiddenCall, attemptForbiddenConnection } from './server/forbidden-attempts.ts'
export { CustodianRefusal, verifyRefusal, type RefusalStatement, type SignedRefusal } from './custodian/refusal.ts'
export { enrolmentServer } from './server/enrolment-server.ts'
export {
  internalServer, type InternalCall, type InternalCallHead, type InternalRoute, type InternalServerOptions, type SelfTest,
} from './server/internal-server.ts'
export { faultOf, problemMediaType, problemOf, type ProblemDocument } from './server/problem.ts'
export { checkReadiness, type Readiness, type ReadinessCheck } from './server/readiness.ts'
export type { RunningServer } from './server/tls-server.ts'
export { createMetrics } from './metrics.ts'
export { untilItStands } from './process/until-it-stands.ts'
export { onShutdown, type Shutdown, type ShutdownStep } from './process/on-shutdown.ts'
export {
  launcherChannel, parseLauncherMessage, parseProcessMessage,
  type IpcHost, type LauncherChannel, type LauncherMessage, type ProcessMessage,
} from './process/ipc.ts'
export { newBoxKey, openBox, sealInBox, type BoxKey } from './ceremony/sealed-box.ts'
