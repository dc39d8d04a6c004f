// cli: commands, help, progress. What a command can do, the other headers can; this one is for
// programs that want the whole command line inside themselves.
#ifndef ROADMILL_CLI_H
#define ROADMILL_CLI_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// Runs one command line, prints to stdout and stderr, and gives the exit code: 0 done, 1 failed,
// 2 wrong usage, 3 done with loss or a check that did not hold, 130 stopped by a signal (the same
// command goes on from there). Once per process: it catches SIGINT and SIGTERM.
RML_API int rml_cli_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
