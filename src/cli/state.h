// What a running command line is made of, for the files of the command line itself.
#ifndef ROADMILL_CLI_STATE_H
#define ROADMILL_CLI_STATE_H

#include "command.h"

#define RML_CLI_OPTIONS_MAX 64

typedef struct rml_cli_given {
    const char *name;
    const char *value; // "" for a flag
} rml_cli_given;

struct rml_cli_state {
    rml_cli_given given[RML_CLI_OPTIONS_MAX];
    size_t given_count;
    const char *arguments[4096];
    rml_buffer unseen; // what is written as JSON without --json
    rml_home home;
    bool home_open;
    rml_ranks *ranks;
    bool terminal; // stderr is one, and --quiet was not given
    int64_t progress_start_ns, progress_last_ns;
    const char *progress_what;
    bool progress_shown;
};

// Options that every command has.
extern const rml_option rml_cli_common[];
extern const size_t rml_cli_common_count;

// Fills cli from the words of a command line. A wrong word is RML_ERR_ARGUMENT with a remedy.
rml_status rml_cli_parse(rml_cli *cli, int argc, char **argv, rml_error *err) RML_CHECKED;
const rml_option *rml_cli_option_find(const rml_command *command, rml_str name);

// Help: of everything, of a group ("dataset"), of one command.
void rml_cli_help(rml_cli *cli, rml_str topic);
void rml_cli_help_command(rml_cli *cli, const rml_command *command);

void rml_cli_progress_init(rml_cli *cli);
void rml_cli_progress_clear(rml_cli *cli); // wipes the line before other text

#endif
