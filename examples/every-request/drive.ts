import { drive } from './load.js'

/*
 * A process of its own, so that the load it makes does not count as delay of the app's event loop:
 * drive.js URL VISITORS SECONDS. Sends its parent a DriveReport when it is done.
 */

const [url, visitors, seconds] = process.argv.slice(2)
if (url === undefined || process.send === undefined) throw new Error('start.js starts this')
process.send(await drive({ url, visitors: Number(visitors), seconds: Number(seconds) }))
process.disconnect()
