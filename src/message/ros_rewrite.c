// Rewrites messages of ROS 1 as ROS 2 and back: decoded into columns by one plan, encoded by the
// other from the same columns, seen as the other has them: without or with Header's seq, bytes as a
// list or as one value.
#include <string.h>

#include "plan.h"
#include "roadmill/base/row.h"
#include "roadmill/message/ros.h"

struct rml_ros_rewriter {
    rml_message_plan *from, *to;
    rml_batch in;    // owns the columns of the message at hand
    rml_column *out; // [to's fields]: borrow everything from `in`, but their children's places
    rml_arena arena; // of these
    bool adds_seq;   // the other side has a Header with seq
    rml_column zero; // that seq: one 0 for a row
};

// The children of a struct as the other side has them: ROS 2 lacks seq, which is the first of ROS
// 1's Header.
static bool is_header_pair(const rml_field *from, size_t from_count, const rml_field *to,
                           size_t to_count)
{
    return from_count > 0 && to_count > 0 &&
           (from_count == to_count + 1 || from_count + 1 == to_count) &&
           rml_str_equal((from_count > to_count ? from : to)[0].name, RML_STR("seq"));
}

// Makes places for the children of columns as `to` has them.
static rml_status prepare(rml_ros_rewriter *r, const rml_field *to, size_t count, rml_column **out,
                          rml_error *err)
{
    *out = RML_NEW_ARRAY(&r->arena, rml_column, count + 1);
    if (*out == NULL) {
        return rml_fail_memory(err, (count + 1) * sizeof **out);
    }
    for (size_t i = 0; i < count; i++) {
        (*out)[i].child_count = to[i].child_count;
        RML_TRY(to[i].child_count > 0
                    ? prepare(r, to[i].children, to[i].child_count, &(*out)[i].children, err)
                    : RML_OK);
    }
    return RML_OK;
}

static bool matches(rml_ros_rewriter *r, const rml_field *from, size_t from_count,
                    const rml_field *to, size_t to_count);

static bool field_matches(rml_ros_rewriter *r, const rml_field *a, const rml_field *b)
{
    bool bytes = (a->type == RML_TYPE_BINARY && b->type == RML_TYPE_LIST) ||
                 (a->type == RML_TYPE_LIST && b->type == RML_TYPE_BINARY);
    bool byte = a->type <= RML_TYPE_I16 && b->type <= RML_TYPE_I16; // a byte has a sign in ROS 1
    return bytes || byte ||
           (a->type == b->type &&
            matches(r, a->children, a->child_count, b->children, b->child_count));
}

// Whether both sides have the same fields in the same order, but for what translation changes;
// notes where a Header gets its seq.
static bool matches(rml_ros_rewriter *r, const rml_field *from, size_t from_count,
                    const rml_field *to, size_t to_count)
{
    size_t f = 0, t = 0;
    if (is_header_pair(from, from_count, to, to_count)) {
        f = from_count > to_count;
        t = to_count > from_count;
        r->adds_seq = r->adds_seq || t > 0;
    }
    for (; f < from_count && t < to_count; f++, t++) {
        if (!field_matches(r, &from[f], &to[t])) {
            return false;
        }
    }
    return f == from_count && t == to_count;
}

static void see(rml_ros_rewriter *r, const rml_field *from, const rml_column *columns,
                size_t from_count, const rml_field *to, rml_column *out, size_t to_count);

// One column as the other side has it. Bytes: the values of a list of int8 are those of a binary.
static void see_one(rml_ros_rewriter *r, const rml_field *from, const rml_column *column,
                    const rml_field *to, rml_column *out)
{
    rml_column *children = out->children;
    size_t child_count = out->child_count;
    *out = *column;
    out->type = to->type == RML_TYPE_BINARY || to->type == RML_TYPE_LIST ? to->type : column->type;
    out->children = children;
    out->child_count = child_count;
    if (from->type == RML_TYPE_LIST && to->type == RML_TYPE_BINARY) {
        out->values = column->children[0].values;
    } else if (from->type == RML_TYPE_BINARY && to->type == RML_TYPE_LIST) {
        children[0] = (rml_column){
            .type = RML_TYPE_I8, .count = column->values.len, .values = column->values};
    } else if (child_count > 0) {
        see(r, from->children, column->children, column->child_count, to->children, children,
            child_count);
    }
}

static void see(rml_ros_rewriter *r, const rml_field *from, const rml_column *columns,
                size_t from_count, const rml_field *to, rml_column *out, size_t to_count)
{
    size_t f = 0, t = 0;
    if (is_header_pair(from, from_count, to, to_count)) {
        f = from_count > to_count;
        t = to_count > from_count;
        if (t > 0) {
            out[0] = r->zero;
        }
    }
    for (; f < from_count && t < to_count; f++, t++) {
        see_one(r, &from[f], &columns[f], &to[t], &out[t]);
    }
}

// As many zeros as the deepest list of Headers may have rows.
static rml_status zeros(rml_column *zero, size_t count, rml_error *err)
{
    while (zero->count < count) {
        RML_TRY(rml_column_i64(zero, 0, err));
    }
    return RML_OK;
}

static size_t most_rows(const rml_column *columns, size_t count)
{
    size_t most = 1;
    for (size_t i = 0; i < count; i++) {
        size_t inner = most_rows(columns[i].children, columns[i].child_count);
        most = columns[i].count > most ? columns[i].count : most;
        most = inner > most ? inner : most;
    }
    return most;
}

static rml_status make(rml_ros_rewriter *r, const rml_message_kind *from,
                       const rml_message_kind *to, rml_str file, rml_error *err)
{
    static const rml_field number = RML_FIELD("seq", RML_TYPE_I64, RML_NULLABLE);
    RML_TRY(rml_message_compile(from, file, &r->from, err));
    RML_TRY(rml_message_compile(to, file, &r->to, err));
    rml_schema a = rml_message_schema(r->from), b = rml_message_schema(r->to);
    if (!matches(r, a.fields, a.count, b.fields, b.count)) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(file), NULL,
                        "expected a definition of %.*s that the other ROS can have, found fields "
                        "that differ",
                        RML_FMT(from->schema_name));
    }
    RML_TRY(rml_batch_init(&r->in, a, err));
    RML_TRY(rml_column_init(&r->zero, &number, err));
    return prepare(r, b.fields, b.count, &r->out, err);
}

rml_status rml_ros_rewriter_make(const rml_message_kind *from, const rml_message_kind *to,
                                 rml_str file, rml_ros_rewriter **out, rml_error *err)
{
    rml_ros_rewriter *r = rml_heap_make(sizeof *r);
    if (r == NULL) {
        return rml_fail_memory(err, sizeof *r);
    }
    rml_status st = make(r, from, to, file, err);
    if (st) {
        rml_ros_rewriter_free(r);
        return st;
    }
    *out = r;
    return RML_OK;
}

rml_status rml_ros_rewrite(rml_ros_rewriter *r, rml_bytes data, rml_place place, rml_buffer *out,
                           rml_error *err)
{
    rml_schema a = r->in.schema, b = rml_message_schema(r->to);
    rml_batch_clear(&r->in);
    RML_TRY(rml_message_decode(r->from, data, place, r->in.columns, err));
    RML_TRY(r->adds_seq ? zeros(&r->zero, most_rows(r->in.columns, a.count), err) : RML_OK);
    see(r, a.fields, r->in.columns, a.count, b.fields, r->out, b.count);
    return rml_message_encode(r->to, r->out, 0, out, err);
}

void rml_ros_rewriter_free(rml_ros_rewriter *r)
{
    if (r != NULL) {
        rml_message_plan_free(r->from);
        rml_message_plan_free(r->to);
        rml_batch_reset(&r->in);
        rml_column_reset(&r->zero);
        rml_arena_reset(&r->arena);
        rml_heap_free(r);
    }
}
