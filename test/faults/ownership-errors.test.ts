import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { EngineProcess, RemoteError } from '../races/engine-process.js'
import { skipWhere } from '../skip.js'
import { Fault, faultsMissing, type SystemCall, type SystemErrorName } from './fault.js'

/*
 * Who cannot show that he owns a journal's directory is told why, whatever the system says. Some of it also says that the
 * directory has just gone with somebody else: that must not be believed for ever.
 */

const owning = suite('a journal that cannot be owned')
const needsFaults = skipWhere(faultsMissing())

const CALLS: readonly SystemCall[] = ['link', 'mkdir', 'open']
const ERRORS: readonly SystemErrorName[] = ['EACCES', 'ENOENT', 'EPERM', 'EIO']

async function refusal(remote: EngineProcess, directory: string): Promise<string | undefined> {
  try {
    await remote.open({ directory, durability: 'journal', threads: 1 })
    return undefined
  } catch (error) {
    if (error instanceof RemoteError) return error.failure.errno
    throw error
  }
}

for (const call of CALLS) {
  needsFaults(owning, `when each ${call} fails: told, and owned when it does not any more`, async () => {
    const parent = temporaryDirectory('memory')
    const fault = new Fault(parent)
    const remote = new EngineProcess({ environment: fault.environment })
    try {
      for (const error of ERRORS) {
        const directory = `${parent}/${error}`
        fault.set({ calls: [call], action: error })
        assert.is(await refusal(remote, directory), error, error)
        assert.ok(fault.fired > 0)
        fault.lift()
        assert.is(await refusal(remote, directory), undefined, error)
        await remote.closeEngine()
      }
    } finally {
      await remote.kill()
      fault.close()
    }
  })
}

owning.run()
