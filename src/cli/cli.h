// cli: the command line. Each command is a row of a table (command.h) in a file of its own.
#ifndef ROADMILL_CLI_CLI_H
#define ROADMILL_CLI_CLI_H

// Runs one command line and gives the exit code: 0 done, 1 failed, 2 wrong usage, 3 done with loss
// or a check that did not hold, 130 stopped by a signal (the same command goes on from there).
int rml_cli_main(int argc, char **argv);

#endif
