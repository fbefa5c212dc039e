import { constants } from 'node:fs'

/*
 * How files are opened: never through a link, and never waiting for whoever writes to a FIFO. A flag that a system lacks, as
 * Windows does these two, is `undefined` there: no bit of an `|`.
 */

/** To look at what is there. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** To change what is there. */
export const CHANGE_FLAGS = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** To write a file that is not there yet. */
export const NEW_FILE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** To sync a directory. */
export const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY
