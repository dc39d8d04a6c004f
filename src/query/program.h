// Inside of a query: what a text says (a tree), and the flat plan that it becomes.
#ifndef ROADMILL_QUERY_PROGRAM_H
#define ROADMILL_QUERY_PROGRAM_H

#include "roadmill/query.h"
#include "roadmill/world/view.h"

#define RML_QUERY_TEXT_MAX 65536
#define RML_QUERY_STEPS_MAX 4096
#define RML_QUERY_DEPTH_MAX 64
#define RML_QUERY_CLAUSES_MAX 8
#define RML_QUERY_TRACKS_MAX 4096
#define RML_QUERY_WORK_MAX 20000000000u // steps times instants of a traffic

// ---- Units -------------------------------------------------------------------------------------

typedef enum rml_dimension {
    RML_DIM_LENGTH,
    RML_DIM_TIME,
    RML_DIM_SPEED,
    RML_DIM_ACCELERATION,
    RML_DIM_ANGLE,
    RML_DIM_ANGULAR_RATE,
    RML_DIM_TRUTH, // not a number: holds, does not hold, or is not known
    RML_DIM_CLASS,
    RML_DIM_LANE,
} rml_dimension;
const char *rml_dimension_name(rml_dimension d); // "speed (m/s, km/h)"

// ---- Words -------------------------------------------------------------------------------------

typedef enum rml_word_kind {
    RML_WORD_END,
    RML_WORD_NAME,
    RML_WORD_NUMBER, // with its unit, in base units
    RML_WORD_SIGN,   // ( ) , : < <= > >= == !=
} rml_word_kind;
typedef struct rml_word {
    rml_word_kind kind;
    rml_str text;
    uint32_t line, column;
    double value;
    rml_dimension dimension;
} rml_word;
// rml_word items; the last is RML_WORD_END.
rml_status rml_words_read(rml_str text, rml_str file, rml_array *words, rml_error *err) RML_CHECKED;

// ---- Measures ----------------------------------------------------------------------------------

// Three values; and is the least, or the greatest, not is 2 - v.
enum { RML_FALSE = 0, RML_UNKNOWN = 1, RML_TRUE = 2 };

// A row per measure; docs/query.md has the formulas and their sources.
typedef struct rml_measure {
    const char *name;
    int actors;           // 1 or 2
    rml_dimension result; // RML_DIM_TRUTH: a predicate
    bool has_limit;       // one more argument, may be left out
    rml_dimension limit_dimension;
    double limit;
    unsigned reads;
    const char *meaning;
    double (*number)(const rml_world *w, rml_at a, rml_at b, double limit); // NaN: missing
    int (*truth)(const rml_world *w, rml_at a, rml_at b, double limit);
} rml_measure;
extern const rml_measure rml_measures[];
extern const size_t rml_measure_count;
int rml_changes_lane(const rml_world *w, rml_at a); // the predicate behind `a changes_lane`

// ---- The tree ----------------------------------------------------------------------------------

typedef enum rml_compare { RML_LT, RML_LE, RML_GT, RML_GE, RML_EQ, RML_NE } rml_compare;

typedef enum rml_node_kind {
    RML_NODE_AND,
    RML_NODE_OR,
    RML_NODE_NOT,
    RML_NODE_HOLD,    // left for at least value seconds
    RML_NODE_SOME,    // left for some actor of the class in slot
    RML_NODE_ALL,     //
    RML_NODE_COMPARE, // left against right, numbers
    RML_NODE_IS,      // actor a is of the classes
    RML_NODE_SAME_LANE,
    RML_NODE_CHANGES, // a changes lane
    RML_NODE_INTO,    // a changes lane into b's
    RML_NODE_MEASURE, // number or truth
    RML_NODE_NUMBER,
} rml_node_kind;

typedef struct rml_node {
    rml_node_kind kind;
    struct rml_node *left, *right;
    uint32_t a, b;    // slots
    unsigned classes; // bit per rml_agent_class
    rml_compare compare;
    const rml_measure *measure;
    double value; // NUMBER, HOLD (seconds), limit of MEASURE
} rml_node;

typedef struct rml_query_actor {
    rml_str name;
    unsigned classes;
    bool is_ego;
} rml_query_actor;

// Slots above the declared actors belong to quantifiers.
#define RML_QUERY_SLOTS (RML_QUERY_ACTORS_MAX + RML_QUERY_DEPTH_MAX)

typedef struct rml_clause {
    rml_node *node;
    int64_t within_ns; // of the clause before; 0 for the first
} rml_clause;
typedef struct rml_program {
    rml_query_actor actors[RML_QUERY_ACTORS_MAX];
    size_t actor_count;
    rml_clause clauses[RML_QUERY_CLAUSES_MAX];
    size_t clause_count;
} rml_program;
rml_status rml_program_parse(rml_str text, rml_str file, rml_arena *arena, rml_program *out,
                             rml_error *err) RML_CHECKED;
#define RML_CLASSES_ANY 0xffu
// "car", "vehicle": the classes behind a name; 0 if there is none.
unsigned rml_classes_of(rml_str name);

// ---- The plan ----------------------------------------------------------------------------------

// Steps for a machine with a stack of vectors, one value per instant of the first actor. A BEGIN
// names its END, so that what can no longer change the answer is passed over.
typedef enum rml_op {
    RML_OP_NUMBER,
    RML_OP_MEASURE,
    RML_OP_PREDICATE,
    RML_OP_COMPARE,
    RML_OP_IS,
    RML_OP_SAME_LANE,
    RML_OP_CHANGES,
    RML_OP_INTO,
    RML_OP_NOT,
    RML_OP_AND_BEGIN,
    RML_OP_AND_END,
    RML_OP_OR_BEGIN,
    RML_OP_OR_END,
    RML_OP_HOLD_BEGIN,
    RML_OP_HOLD_END,
    RML_OP_SOME_BEGIN,
    RML_OP_SOME_END,
    RML_OP_ALL_BEGIN,
    RML_OP_ALL_END,
    RML_OP_THEN, // the end of a clause: joins it to those before
} rml_op;
typedef struct rml_step {
    rml_op op;
    uint32_t a, b, end;
    unsigned classes;
    rml_compare compare;
    const rml_measure *measure;
    double value;
    int64_t ns;
    bool scores; // COMPARE: its left side is the score
} rml_step;

struct rml_query {
    rml_arena arena;
    rml_program program;
    rml_step *steps;
    size_t step_count;
    size_t depth;    // of the stack
    size_t slots;    // actors and quantifiers
    size_t loops;    // deepest nesting of quantifiers
    unsigned reads;  // RML_READS_*
    bool least_best; // the score is the least of its values in a match, not the greatest
    rml_hash hash;
};
rml_status rml_query_plan_make(rml_query *q, rml_error *err) RML_CHECKED;
// One step in words, for explain and for the hash.
rml_status rml_step_write(const rml_step *step, size_t index, rml_buffer *out, rml_error *err)
    RML_CHECKED;

#endif
