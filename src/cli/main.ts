// The terminal client's entry. What Node makes of the sources is kept between runs, which halves the time until a command begins.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runProgram } = await import('./program.ts');
process.exitCode = await runProgram(process.argv.slice(2), process.argv[1] ?? '');
// Sockets and timers of a closed client are gone; whatever else holds the process open must not.
process.exit();
