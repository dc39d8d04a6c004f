// command: every command as a row of a table: typed options go in, one document comes out.
//
// Nothing is printed here. A command gives a JSON document (docs/json.md), or a head and rows
// that the caller pulls; the command line, a server and bindings call the same functions. What a
// row says of its options is what help, completion, checking and the manual read.
//
// A call belongs to one thread at a time; calls on one home may run side by side as far as the
// rooms below allow it. Text that is handed in is copied.
#ifndef ROADMILL_COMMAND_H
#define ROADMILL_COMMAND_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- What a command takes ----------------------------------------------------------------------

typedef enum rml_option_type {
    RML_OPTION_FLAG,
    RML_OPTION_TEXT,
    RML_OPTION_INT,    // low to high
    RML_OPTION_FLOAT,  // low to high
    RML_OPTION_CHOICE, // one of choices
    RML_OPTION_PATH,   // a file, a folder, or a URI
    RML_OPTION_NAME,   // of a thing of a kind in the home: its name or the start of its hash
    RML_OPTION_PAIR,   // NAME=VALUE, neither empty
} rml_option_type;

#define RML_OPTION_MOST 1e300 // high: no limit but that of the type

// An option ("seed", given as --seed), or an argument, whose name is in capitals ("VERSION").
typedef struct rml_option {
    const char *name;
    rml_option_type type;
    const char *value;     // what stands for the value in help: "N"; NULL for a flag
    const char *help;      // without default, range and choices: these follow from what is below
    const char *fallback;  // the value where none is given, as it would be given; NULL: none
    const char *otherwise; // in words what holds then, where no value says it
    const char *choices;   // CHOICE: "family|recording|place|time"
    const char *kind;      // NAME: "dataset", "run", "model", "table", "recording", "drive", …
    const char *unit;      // of a number: "s", "m"
    double low, high;      // INT, FLOAT; both 0: any
    bool required, repeated;
} rml_option;

// ---- How its document reads --------------------------------------------------------------------

// A document as text is a list of blocks, the last all zero. Paths go from a value of the document:
// "windows.left_out"; "" is the value itself, "." an element that is no object, "@" its name
// in what holds it; "^name" is of
// what holds the list that the element is in, "^^name" of what holds that. "metrics[fde].value" is
// of the element whose name is fde, "end_ns-start_ns" a difference. "$plot" is an option of the
// call, "$home" the home's path.
//
// A sentence holds fields in braces, {path} or {path:kind}; what stands in brackets is left out
// when one of its fields is missing, null or empty, or a condition in it does not hold: {path?} is
// one (there, not false, not 0), {path!} its opposite, {path=word?} and {path=word!} compare. [[ is
// a bracket. A condition alone may have alternatives: "{a?} or {b?}". Kinds: id (12 characters on a
// terminal), bytes, time (of nanoseconds), count (of a list), x (a list as 2x3), yes, bar (a share
// as a bar), indent, words ("_" is a
// blank), json, .3f or .4g with *1e-9 as a factor.
typedef struct rml_view {
    const char *when;   // a condition; alone in its block: the text ends here unless it holds
    const char *each;   // a list: the block is said for every element; NULL: once
    const char *line;   // a sentence
    const char *fields; // "head=path:kind | head={sentence} | path": one a line, set in columns
    const char *where;  // with table: a condition on its rows
    const char *table;  // the same, a column each, a line for every element of `each`
    const char *text;   // a path to text that is printed as it is
    const char *json;   // a path to what is printed as indented JSON
    const struct rml_view *blocks; // said of every element of `each`
} rml_view;

// ---- The table ---------------------------------------------------------------------------------

typedef struct rml_call rml_call;

// Lists end with a row that is all zero; NULL is an empty one.
typedef struct rml_command {
    const char *name;            // "dataset create"
    const char *summary;         // one line, imperative
    const char *example;         // a command line that works
    const rml_option *arguments; // required ones first, a repeated one last
    const rml_option *options;
    const rml_view *view;
    // Where the rows of a stream stand in the document: "rows"; "": they are a line each, without a
    // document around them; NULL: there is no stream.
    const char *rows;
    rml_status (*run)(rml_call *call, rml_error *err); // by rml_command_call
} rml_command;

// The index-th command, in the order in which data walks through them; NULL behind the last.
RML_API const rml_command *rml_command_at(size_t index);
RML_API const rml_command *rml_command_find(rml_str name); // NULL if there is none
// The command whose name is nearest to these words, or NULL.
RML_API const rml_command *rml_command_nearest(rml_str words);
// Options of every command. The home and threads are of the call; the others are for whoever
// renders.
extern RML_API const rml_option rml_command_common[];
// An option or argument of the command, or one of every command; NULL if it has none such.
RML_API const rml_option *rml_command_option(const rml_command *command, rml_str name);
// The nearest option to a name that the command lacks, or NULL.
RML_API const char *rml_command_option_nearest(const rml_command *command, rml_str name);

#define RML_USAGE_TEXT 160
// "dataset diff A B"; terminated, cut to the size.
RML_API void rml_command_usage(const rml_command *command, char text[RML_USAGE_TEXT]);
#define RML_OPTION_TEXT_SIZE 512
// Its help with choices, range, default; terminated, cut to the size.
RML_API void rml_option_help(const rml_option *option, char text[RML_OPTION_TEXT_SIZE]);

// ---- A call ------------------------------------------------------------------------------------

// *out is the caller's, freed by rml_call_free.
RML_API rml_status rml_call_make(const rml_command *command, rml_call **out, rml_error *err)
    RML_CHECKED;
RML_API void rml_call_free(rml_call *call); // NULL does nothing
// An option or argument by name, as text of its type; "" for a flag. Again: one value more of a
// repeated one, otherwise the last holds. A name or value that does not fit is RML_ERR_ARGUMENT.
RML_API rml_status rml_call_set(rml_call *call, const char *name, rml_str value, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_call_set_i64(rml_call *call, const char *name, int64_t value, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_call_set_f64(rml_call *call, const char *name, double value, rml_error *err)
    RML_CHECKED;
// All arguments in their order, once.
RML_API rml_status rml_call_arguments(rml_call *call, const char *const *words, size_t count,
                                      rml_error *err) RML_CHECKED;
// Told and asked while the call runs; borrowed until it is freed.
RML_API void rml_call_progress(rml_call *call, const rml_progress *progress);

// Runs it, once. Then the document, or its head and rows, can be had.
RML_API rml_status rml_command_call(rml_call *call, rml_error *err) RML_CHECKED;
// JSON; empty where this process has nothing to say (a rank behind the first). Borrowed from the
// call.
RML_API rml_str rml_call_document(const rml_call *call);
// True where rows follow; false also for a command that could give some and does not this time.
RML_API bool rml_call_streams(const rml_call *call);
// Of a row: "application/json", or "text/csv" (lines, with a head where there is one).
RML_API const char *rml_call_media(const rml_call *call);
// Appends the next row to *row; RML_END behind the last. RML_ERR_STOPPED when progress says so.
RML_API rml_status rml_call_next(rml_call *call, rml_buffer *row, rml_error *err) RML_CHECKED;
// Done, with loss or with a check that did not hold.
RML_API bool rml_call_lossy(const rml_call *call);
// The value of an option as it was given, or the fallback; data NULL: neither.
RML_API rml_str rml_call_value(const rml_call *call, const char *name);
RML_API rml_str rml_call_home_path(const rml_call *call); // empty before a home is open
RML_API size_t rml_call_rank(const rml_call *call);       // of this process in its job; 0 the first

#ifdef __cplusplus
}
#endif
#endif
