// cli: commands, help, completion. It offers nothing to other rooms; the program starts here.
#ifndef ROADMILL_CLI_H
#define ROADMILL_CLI_H
#endif
