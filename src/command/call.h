// What a command sees of its call: the values of its options, the home, the document to write.
#ifndef ROADMILL_COMMAND_CALL_H
#define ROADMILL_COMMAND_CALL_H

#include "roadmill/base/json.h"
#include "roadmill/command.h"
#include "roadmill/home.h"
#include "roadmill/os.h"
#include "roadmill/os/ranks.h"

// A value of an option, in its type.
typedef struct rml_given {
    const rml_option *option;
    rml_str text; // terminated
    int64_t integer;
    double number;
} rml_given;

// Rows for the caller to pull: next appends one and gives RML_END behind the last.
typedef struct rml_stream {
    void *context;
    rml_status (*next)(void *context, rml_buffer *row, rml_error *err);
    void (*close)(void *context);
    const char *media; // NULL: application/json
} rml_stream;

struct rml_call {
    const rml_command *command;
    rml_array given; // rml_given
    rml_arena arena; // lives as long as the call
    rml_pool *pool;
    rml_progress progress;
    rml_buffer document;
    rml_json_writer writer; // to the document
    rml_stream stream;      // .next set: rows follow
    bool lossy;             // set it for "done with loss" or "a check did not hold"
    bool failed;            // by rml_command_call and rml_call_next
    rml_home home;
    bool home_open;
    rml_ranks *ranks;
};

// ---- Values: the one given last, else the fallback ---------------------------------------------

bool rml_call_flag(const rml_call *call, const char *name);
rml_str rml_call_text(const rml_call *call, const char *name);             // empty if there is none
const char *rml_call_path(const rml_call *call, const char *name);         // NULL if there is none
int64_t rml_call_i64(const rml_call *call, const char *name);              // 0 if there is none
double rml_call_f64(const rml_call *call, const char *name);               // 0 if there is none
int rml_call_choice(const rml_call *call, const char *name);               // its index; -1 if none
size_t rml_call_count(const rml_call *call, const char *name);             // times it was given
rml_str rml_call_at(const rml_call *call, const char *name, size_t index); // the index-th of them
// The two sides of the index-th pair.
void rml_call_pair(const rml_call *call, const char *name, size_t index, rml_str *left,
                   rml_str *right);
// All values of a repeated option or argument, in the arena; *list NULL and *count 0 for none.
rml_status rml_call_list(rml_call *call, const char *name, rml_str **list, size_t *count,
                         rml_error *err) RML_CHECKED;
// The text of the file that a path option names, in the arena; untouched where it was not given.
rml_status rml_call_read(rml_call *call, const char *name, size_t most, rml_str *text,
                         rml_error *err) RML_CHECKED;

// ---- What a command works on -------------------------------------------------------------------

// The home, opened once (found upwards from here; make: ./roadmill is made if there is none).
rml_status rml_call_home(rml_call *call, bool make, rml_home **out, rml_error *err) RML_CHECKED;
// The thing of the catalog that a NAME option or argument names, of the option's kind.
rml_status rml_call_object(rml_call *call, const char *name, rml_object_row *out, rml_error *err)
    RML_CHECKED;
// Its body as a tree in the arena.
rml_status rml_call_body(rml_call *call, const rml_object_row *row, const rml_json **out,
                         rml_error *err) RML_CHECKED;
// The job's processes, NULL if mpirun did not start several. Those behind the first report no
// progress and write no document.
rml_status rml_call_ranks(rml_call *call, rml_ranks **out, rml_error *err) RML_CHECKED;
// The folder with configuration and weights of the registered model or run that an argument names,
// and its hash.
rml_status rml_call_model(rml_call *call, const char *name, rml_str *hash, rml_str *folder,
                          rml_error *err) RML_CHECKED;

// ---- Inside the room ---------------------------------------------------------------------------

// Checks a value of an option and turns it into its type; text is kept by reference.
rml_status rml_option_parse(const rml_option *option, rml_str text, rml_given *out, rml_error *err)
    RML_CHECKED;
// Where a thing was missing that an option names: adds to the remedy which name was perhaps meant.
void rml_call_suggest(rml_call *call, rml_error *err);
// "roadmill dataset list shows them", or NULL: how the things of a kind are listed.
const char *rml_kind_remedy(const char *kind);

#endif
