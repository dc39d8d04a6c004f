// Columns in Apache Arrow's layout: what decode plans fill, Parquet writes and SQL returns.
//
// It stands in base, not in lake, so that message and log stay a library of their own.
// Source: Apache Arrow columnar format 1.5, "Physical memory layout"; offsets are 64 bits wide
// (LargeUtf8, LargeBinary, LargeList), validity bitmaps are least significant bit first.
#ifndef ROADMILL_BASE_COLUMN_H
#define ROADMILL_BASE_COLUMN_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rml_type {
    RML_TYPE_BOOL,   // one byte a value in memory, 0 or 1
    RML_TYPE_I8,     // Delta: byte
    RML_TYPE_I16,    // short; also holds u8
    RML_TYPE_I32,    // integer; also holds u16
    RML_TYPE_I64,    // long; also holds u32 and every _ns
    RML_TYPE_U64,    // decimal(20,0)
    RML_TYPE_F32,    // float
    RML_TYPE_F64,    // double
    RML_TYPE_STRING, // UTF-8
    RML_TYPE_BINARY,
    RML_TYPE_LIST,   // one child
    RML_TYPE_STRUCT, // one child a field
} rml_type;

// A field: name, type, children. Borrows its names and children (from an arena or static memory).
// A table that this program fills also says where a field's value lies in the struct of a row:
// base/row.h, whose macros fill what stands behind child_count.
typedef struct rml_field {
    rml_str name;
    rml_type type;
    bool nullable;
    const struct rml_field *children; // LIST: 1, its name is "element"; STRUCT: its fields
    size_t child_count;
    int member;      // rml_member of base/row.h; 0: a schema alone
    uint32_t offset; // in the row's struct
    uint32_t has_offset;
    const void *member_of;
} rml_field;

// The fields of a table. Names are unique without regard to case.
typedef struct rml_schema {
    const rml_field *fields;
    size_t count;
} rml_schema;

// A column; owns its buffers. Grows by the append functions. A null of a fixed-size type takes a
// zero in values; of STRING, BINARY and LIST an empty span; of STRUCT a null in every child.
typedef struct rml_column {
    rml_type type;
    size_t count;
    size_t null_count;
    rml_buffer validity; // len 0 while null_count is 0: all are valid
    rml_buffer offsets;  // STRING, BINARY, LIST: int64_t[count + 1]; empty while count is 0
    rml_buffer values;   // fixed-size values, or the bytes of STRING and BINARY
    struct rml_column *children;
    size_t child_count;
} rml_column;

// Columns of equal length. Owns the columns, borrows the schema.
typedef struct rml_batch {
    rml_schema schema;
    rml_column *columns;
    size_t count; // rows
} rml_batch;

RML_API size_t rml_type_size(rml_type type); // bytes of a fixed-size value, 0 for the others
// "i64", "string"...
RML_API const char *rml_type_name(rml_type type);

// An empty column of a field's type, with columns for its children. RML_ERR_MEMORY.
RML_API rml_status rml_column_init(rml_column *c, const rml_field *field, rml_error *err)
    RML_CHECKED;
RML_API void rml_column_clear(rml_column *c); // no values, memory kept
RML_API void rml_column_reset(rml_column *c);

// Appends: a null, or one value. RML_ERR_ARGUMENT for a value that the column cannot hold.
RML_API rml_status rml_column_null(rml_column *c, rml_error *err) RML_CHECKED;
// value points to one value of the column's fixed size.
RML_API rml_status rml_column_value(rml_column *c, const void *value, rml_error *err) RML_CHECKED;
RML_API rml_status rml_column_i64(rml_column *c, int64_t v, rml_error *err) RML_CHECKED; // any int
RML_API rml_status rml_column_f64(rml_column *c, double v, rml_error *err) RML_CHECKED;  // F32, F64
RML_API rml_status rml_column_bool(rml_column *c, bool v, rml_error *err) RML_CHECKED;
RML_API rml_status rml_column_bytes(rml_column *c, const void *data, size_t len,
                                    rml_error *err) RML_CHECKED; // STRING, BINARY
RML_API rml_status rml_column_str(rml_column *c, rml_str text, rml_error *err) RML_CHECKED;
// After appending its elements to children[0]: ends a LIST value there.
RML_API rml_status rml_column_list_end(rml_column *c, rml_error *err) RML_CHECKED;
// After appending one value to each child: ends a STRUCT value.
RML_API rml_status rml_column_struct_end(rml_column *c, rml_error *err) RML_CHECKED;
// Takes rows back: `rows` are left. Also a column whose children were filled further than itself.
RML_API void rml_column_cut(rml_column *c, size_t rows);
// Appends rows [from, from + count) of another column of the same shape.
RML_API rml_status rml_column_append(rml_column *c, const rml_column *other, size_t from,
                                     size_t count, rml_error *err) RML_CHECKED;

// Values by row, borrowed until the next append; of a null: 0, NaN, empty.
RML_API bool rml_column_is_null(const rml_column *c, size_t row);
RML_API int64_t rml_column_get_i64(const rml_column *c, size_t row);     // any integer or bool
RML_API double rml_column_get_f64(const rml_column *c, size_t row);      // any number; NaN for null
RML_API rml_bytes rml_column_get_bytes(const rml_column *c, size_t row); // STRING, BINARY
RML_API rml_str rml_column_get_str(const rml_column *c, size_t row);
// The span of a LIST value in children[0].
RML_API void rml_column_get_list(const rml_column *c, size_t row, size_t *first, size_t *count);

// A batch of empty columns; the schema is borrowed. clear keeps the memory, reset frees it.
RML_API rml_status rml_batch_init(rml_batch *b, rml_schema schema, rml_error *err) RML_CHECKED;
RML_API void rml_batch_clear(rml_batch *b);
RML_API void rml_batch_reset(rml_batch *b);
// The column of that name (exact), or NULL.
RML_API rml_column *rml_batch_column(const rml_batch *b, const char *name);
// After one append to each column: checks that they agree, counts the row.
RML_API rml_status rml_batch_row_end(rml_batch *b, rml_error *err) RML_CHECKED;
// Levels of checking: lengths and offsets agree (cheap); also UTF-8 and offset order (full).
RML_API rml_status rml_batch_check(const rml_batch *b, bool full, rml_error *err) RML_CHECKED;
// Index of a field by name without regard to case, or count.
RML_API size_t rml_schema_find(rml_schema schema, rml_str name);

// A deep copy in the arena.
RML_API rml_status rml_schema_copy(rml_arena *arena, rml_schema schema, rml_schema *out,
                                   rml_error *err) RML_CHECKED;
// Same type and, for nested ones, same fields in the same order; nullable does not matter.
RML_API bool rml_field_same(const rml_field *a, const rml_field *b);

#ifdef __cplusplus
}
#endif
#endif
