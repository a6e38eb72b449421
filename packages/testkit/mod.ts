export { TestAuthority, type IssueOptions } from './test-authority.ts'
export {
  startTestCustodian, type CustodianAnswers, type TestCustodian, type TestCustodianOptions,
} from './test-custodian.ts'
