import { CoatcheckError } from '../errors.js'
import type { SecretProblem } from './source.js'

const WORDS: Readonly<Record<SecretProblem, string>> = {
  wrong: 'the secret does not fit: no session can be read with it; give the one that the application used',
  missing: 'the sessions are encrypted, and no secret was given; give the one that the application used',
  needless: 'a secret was given, and the sessions are not encrypted; leave it out',
}

/** No session of a source can be read, and the secret is to blame. Nothing has been moved. */
export class SecretError extends CoatcheckError {
  readonly code = 'COATCHECK_SECRET'
  readonly problem: SecretProblem
  constructor(problem: SecretProblem) {
    super(WORDS[problem])
    this.problem = problem
  }
}
