// The terminal client's entry.
import { runProgram } from './program.ts';

process.exitCode = await runProgram(process.argv.slice(2), process.argv[1] ?? '');
// Sockets and timers of a closed client are gone; whatever else holds the process open must not.
process.exit();
