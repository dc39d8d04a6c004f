// Leaves of a schema, and their values as Dremel levels.
//
// Source: Apache Parquet format 2.10, "Nested Encoding" and LogicalTypes.md, "Lists": a list is
// `optional group NAME (LIST) { repeated group list { optional ELEMENT element } }`. A struct
// without fields, which Parquet cannot hold, gets a field RML_EMPTY_FIELD that is always null.
#ifndef ROADMILL_PARQUET_LEAF_H
#define ROADMILL_PARQUET_LEAF_H

#include "roadmill/parquet.h"

#define RML_LEAF_DEPTH_MAX 32

typedef struct rml_leaf {
    const rml_field *path[RML_LEAF_DEPTH_MAX]; // from the column to the leaf
    size_t child[RML_LEAF_DEPTH_MAX];          // index of path[i] among its siblings
    size_t depth;
    rml_type type; // of the values: BOOL for the field of an empty struct
    bool of_empty; // the last of path is a struct without fields
    bool in_list;  // below a list
    uint8_t max_definition, max_repetition;
} rml_leaf;

// rml_leaf items in the order of the schema. RML_ERR_LIMIT below RML_LEAF_DEPTH_MAX levels.
rml_status rml_leaves(rml_schema schema, rml_array *leaves, rml_error *err) RML_CHECKED;

// The values of a leaf in some rows. Keeps its memory between uses.
typedef struct rml_shred {
    size_t entries;                    // pairs of levels
    bool flat;                         // all are present, in no list: the level arrays are empty
    rml_buffer definition, repetition; // uint8_t[entries]; empty when all are the highest
    const rml_column *column;          // where the values lie; NULL for RML_EMPTY_FIELD
    size_t present;                    // values
    size_t first;                      // flat or dense: values first, first + 1, ...
    bool dense;
    rml_buffer slots; // uint64_t[present] when not dense
    rml_buffer work[2];
} rml_shred;
// RML_ERR_ARGUMENT when a field that is not nullable holds a null.
rml_status rml_shred_rows(rml_shred *s, const rml_leaf *leaf, const rml_column *columns,
                          size_t from, size_t count, rml_error *err) RML_CHECKED;
void rml_shred_reset(rml_shred *s);

#endif
