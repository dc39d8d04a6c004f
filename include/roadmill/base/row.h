// A table as one list of fields, each with its name, type, whether it may be null, and the place of
// its value in the struct of a row. Schema, append and read all walk that list:
//
//     static const rml_field fields[] = {
//         RML_COLUMN(event, event_id, STR, RML_REQUIRED),
//         RML_COLUMN(event, start_ns, I64, RML_REQUIRED),
//         RML_COLUMN_AS("class", event, agent_class, NAME, RML_REQUIRED, RML_NAMED(classes)),
//         RML_COLUMN(event, score, F64, RML_NULLABLE),
//     };
//     static const rml_schema events = RML_TABLE(fields);
//
// Missing values: an empty text and a NaN of a nullable field are stored as null and come back so;
// a nullable integer or truth names a bool of the struct that says whether it is there (RML_IF).
#ifndef ROADMILL_BASE_ROW_H
#define ROADMILL_BASE_ROW_H

#include <stddef.h>

#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Names of enumerations ---------------------------------------------------------------------

// What the values 0, 1, ... of an enum are called in tables and files.
typedef struct rml_names {
    const char *const *texts; // [count]
    size_t count;
} rml_names;
RML_API const char *rml_names_text(const rml_names *names, size_t value); // "unknown" beyond
RML_API bool rml_names_find(const rml_names *names, rml_str text, size_t *out);

// ---- The list ----------------------------------------------------------------------------------

// How a value lies in the struct.
typedef enum rml_member {
    RML_MEMBER_NONE,  // it is no row of ours
    RML_MEMBER_STR,   // rml_str
    RML_MEMBER_BYTES, // rml_bytes
    RML_MEMBER_ID,    // char[RML_HASH_TEXT], terminated: "" is null if it may be
    RML_MEMBER_BOOL,  // bool
    RML_MEMBER_I64,   // int64_t
    RML_MEMBER_U64,   // uint64_t, in a column of int64: no count of ours exceeds it
    RML_MEMBER_U32,   // uint32_t, in a column of int64
    RML_MEMBER_I32,   // int32_t
    RML_MEMBER_F64,   // double
    RML_MEMBER_F32,   // float
    RML_MEMBER_NAME,  // an enum by its name: RML_NAMED
    RML_MEMBER_LIST,  // RML_OF: rml_member_list
    RML_MEMBER_OWN,   // RML_OF: rml_member_own
} rml_member;

// An array of structs or texts; the field's child says where the parts lie in an item.
typedef struct rml_member_list {
    uint32_t count_offset; // of the size_t in the row's struct; the pointer is at the field's place
    uint32_t item_size;
} rml_member_list;
// A value that appends and reads itself; `member` is its place in the row.
typedef struct rml_member_own {
    rml_status (*append)(rml_column *c, const void *member, rml_error *err);
    rml_status (*read)(const rml_column *c, size_t row, rml_arena *arena, void *member,
                       rml_error *err);
} rml_member_own;

#define RML_COLUMN_TYPE_STR RML_TYPE_STRING
#define RML_COLUMN_TYPE_BYTES RML_TYPE_BINARY
#define RML_COLUMN_TYPE_ID RML_TYPE_STRING
#define RML_COLUMN_TYPE_BOOL RML_TYPE_BOOL
#define RML_COLUMN_TYPE_I64 RML_TYPE_I64
#define RML_COLUMN_TYPE_U64 RML_TYPE_I64
#define RML_COLUMN_TYPE_U32 RML_TYPE_I64
#define RML_COLUMN_TYPE_I32 RML_TYPE_I32
#define RML_COLUMN_TYPE_F64 RML_TYPE_F64
#define RML_COLUMN_TYPE_F32 RML_TYPE_F32
#define RML_COLUMN_TYPE_NAME RML_TYPE_STRING
#define RML_COLUMN_TYPE_LIST RML_TYPE_LIST
#define RML_COLUMN_TYPE_OWN RML_TYPE_LIST

// A column that is called otherwise than its place in the struct; kind as in rml_member. What
// follows is RML_REQUIRED or RML_NULLABLE, and any of RML_IF, RML_NAMED, RML_OF and RML_CHILD.
#define RML_COLUMN_AS(text, row, place, kind, ...)                                                 \
    {                                                                                              \
        .name = {text, sizeof(text) - 1}, .type = RML_COLUMN_TYPE_##kind,                          \
        .member = RML_MEMBER_##kind, .offset = (uint32_t)offsetof(row, place), __VA_ARGS__         \
    }
#define RML_COLUMN(row, place, kind, ...) RML_COLUMN_AS(#place, row, place, kind, __VA_ARGS__)
#define RML_REQUIRED .nullable = false
#define RML_NULLABLE .nullable = true
// The bool at that place says whether there is a value. It is not the first of its struct.
#define RML_IF(row, place) .has_offset = (uint32_t)offsetof(row, place)
#define RML_NAMED(names) .member_of = &(names)
#define RML_OF(what) .member_of = &(what)
#define RML_CHILD(field) .children = &(field), .child_count = 1
// A field that no struct of a row holds.
#define RML_FIELD(text, kind, ...)                                                                 \
    {                                                                                              \
        .name = {text, sizeof(text) - 1}, .type = kind, __VA_ARGS__                                \
    }
#define RML_TABLE(fields)                                                                          \
    {                                                                                              \
        fields, sizeof(fields) / sizeof((fields)[0])                                               \
    }

// ---- Rows --------------------------------------------------------------------------------------

// Appends a row to a batch of such a table: row is the struct that its fields name. After a failure
// the batch is as before.
RML_API rml_status rml_row_append(rml_batch *batch, const void *row, rml_error *err) RML_CHECKED;

// The names of a table's columns with commas between, appended: what to ask SQL for.
RML_API rml_status rml_schema_columns(rml_schema schema, rml_buffer *out, rml_error *err)
    RML_CHECKED;

// Reads rows of any batch that has such columns, in whatever order: a column that it lacks is null
// if that is allowed (a table written before the column was), otherwise RML_ERR_DATA.
#define RML_ROW_FIELDS_MAX 64
typedef struct rml_row_reader {
    rml_schema schema;
    uint16_t at[RML_ROW_FIELDS_MAX]; // of each field, the column + 1; 0: it is not there
} rml_row_reader;
RML_API rml_status rml_row_reader_init(rml_row_reader *r, rml_schema schema, rml_schema given,
                                       rml_error *err) RML_CHECKED;
// Texts and lists are copied to the arena; with none, texts borrow from the batch and lists are
// RML_ERR_ARGUMENT. Members that no field names stay as they are. A name that the enum does not
// have is its "unknown", where it has that, otherwise RML_ERR_DATA, as is an id that is too long.
RML_API rml_status rml_row_read(const rml_row_reader *r, const rml_batch *batch, size_t row,
                                rml_arena *arena, void *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
