// A command is a row: its name, arguments, options, help, example and function. Help, completion,
// the manual and the tests walk the table in commands.c; nothing else knows the list.
#ifndef ROADMILL_CLI_COMMAND_H
#define ROADMILL_CLI_COMMAND_H

#include "roadmill/base.h"
#include "roadmill/base/json.h"
#include "roadmill/os.h"
#include "roadmill/os/ranks.h"
#include "roadmill/store.h"
#include "roadmill/turn.h"

typedef struct rml_option {
    const char *name;  // "--seed"
    const char *value; // "N", or NULL for a flag
    const char *help;
} rml_option;

typedef struct rml_cli rml_cli;
typedef struct rml_command {
    const char *name;                 // "dataset create"
    const char *arguments;            // "NAME [SOURCE…]", "" if none
    const char *summary;              // one line, imperative
    const char *example;              // a command line that works
    int arguments_min, arguments_max; // max -1: any number
    const rml_option *options;
    size_t option_count;
    rml_status (*run)(rml_cli *cli, rml_error *err);
} rml_command;

// One file of commands gives one group.
typedef struct rml_command_group {
    const rml_command *commands;
    size_t count;
} rml_command_group;

// A command line that is running. Every command has --home DIR, --json, --help and --quiet.
struct rml_cli {
    const rml_command *command;
    const char *const *arguments;
    size_t argument_count;
    bool json;              // print one JSON document (docs/json.md) and nothing else
    rml_json_writer writer; // to stdout; use it when json
    rml_arena arena;        // lives as long as the command
    rml_pool *pool;
    rml_progress progress; // a line on a terminal, nothing in a pipe; stop after a signal
    rml_buffer output;     // what will go to stdout
    int exit_code;         // set it for "done with loss" (3) or "a check did not hold" (3)
    struct rml_cli_state *state;
};

// The value of an option, or NULL when it was not given; a flag gives "".
const char *rml_cli_value(const rml_cli *cli, const char *option);
bool rml_cli_flag(const rml_cli *cli, const char *option);
// The value of an option that may be given several times: the index-th, or NULL.
const char *rml_cli_value_at(const rml_cli *cli, const char *option, size_t index);
// Typed values; a missing option leaves *out. A value out of range is RML_ERR_ARGUMENT.
rml_status rml_cli_i64(const rml_cli *cli, const char *option, int64_t low, int64_t high,
                       int64_t *out, rml_error *err) RML_CHECKED;
rml_status rml_cli_f64(const rml_cli *cli, const char *option, double low, double high, double *out,
                       rml_error *err) RML_CHECKED;
// The home, opened once (found upwards from here; make: ./roadmill is made if there is none).
rml_status rml_cli_home(rml_cli *cli, bool make, rml_home **out, rml_error *err) RML_CHECKED;
// The job's processes, NULL if mpirun did not start several. Those behind the first say nothing but
// their own faults.
rml_status rml_cli_ranks(rml_cli *cli, rml_ranks **out, rml_error *err) RML_CHECKED;
// The folder with config and weights of the registered model or run that the first argument names,
// and its hash.
rml_status rml_cli_model(rml_cli *cli, const rml_home *home, rml_str *hash, rml_str *folder,
                         rml_error *err) RML_CHECKED;
// Hands what was printed so far to stdout; commands with long output call it now and then.
// RML_ERR_STOPPED when nobody reads it any more.
rml_status rml_cli_flush(rml_cli *cli, rml_error *err) RML_CHECKED;
// Text for people on stdout; nothing when json.
void rml_cli_print(rml_cli *cli, const char *format, ...) RML_PRINTF(2, 3);
// A table for people: rows of cells, columns set by width; numbers right.
typedef struct rml_cli_table {
    rml_array cells; // rml_str
    size_t columns;
} rml_cli_table;
void rml_cli_table_begin(rml_cli_table *t, const char *const *heads, size_t columns);
void rml_cli_table_cell(rml_cli *cli, rml_cli_table *t, const char *format, ...) RML_PRINTF(3, 4);
void rml_cli_table_end(rml_cli *cli, rml_cli_table *t);

extern const rml_command_group *const *const rml_command_groups;
extern const size_t rml_command_group_count;

#endif
