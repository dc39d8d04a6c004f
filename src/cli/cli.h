// What a running command line is made of, for the files of the command line itself.
#ifndef ROADMILL_CLI_CLI_H
#define ROADMILL_CLI_CLI_H

#include "roadmill/base.h"
#include "roadmill/base/json.h"
#include "roadmill/command.h"

typedef struct rml_cli {
    const rml_command *command;
    rml_call *call;
    bool help, json, quiet, no_pager; // the options that are the command line's own
    bool table;                       // rows are asked for as CSV, and shown as a table
    rml_arena arena;                  // lives as long as the command line
    rml_buffer output;                // what will go to stdout
    bool paging, unpaged;             // a pager reads stdout; it was decided that none does
    bool shown;                       // a progress line stands on the terminal
    int64_t start_ns, last_ns;        // of the progress
    const char *what;
} rml_cli;

// Fills cli from the words of a command line. A wrong word is RML_ERR_ARGUMENT with a remedy.
rml_status rml_cli_parse(rml_cli *cli, int argc, char **argv, rml_error *err) RML_CHECKED;

// Help on everything, on a group ("dataset") or on one command; false if there is none such.
bool rml_cli_help(rml_cli *cli, rml_str topic);
void rml_cli_help_command(rml_cli *cli, const rml_command *command);
bool rml_cli_is_group(rml_str word); // commands begin with it and another word

// The document of the call, or its rows, as text or as JSON.
rml_status rml_cli_render(rml_cli *cli, rml_error *err) RML_CHECKED;

void rml_cli_progress_of(rml_cli *cli, rml_progress *out);
void rml_cli_progress_clear(rml_cli *cli); // wipes the line before other text
void rml_cli_say(rml_cli *cli, const char *format, ...) RML_PRINTF(2, 3);
// Hands what was said so far to stdout, or to a pager once it is taller than the terminal; last:
// nothing follows. RML_ERR_STOPPED when nobody reads it any more.
rml_status rml_cli_flush(rml_cli *cli, bool last, rml_error *err) RML_CHECKED;

#endif
