// Protocol Buffers into columns. The type of a message is unrolled into a tree of shapes, one for
// each place where a type stands; a type within itself is a column of JSON text.
//
// A message is walked once in the order of the wire: elements of repeated fields go into their
// column as they come, of the others the last value counts (embedded messages that come in pieces
// are joined), as the specification asks. Unknown fields, and known ones of another wire type, are
// passed over. google.protobuf.Timestamp and Duration, and osi3.Timestamp, are one I64 of
// nanoseconds.
#include "protobuf.h"

#include <string.h>

#include "append.h"
#include "plan.h"

#define COLUMNS_MAX 20000
// State of the fields of small messages lies on the stack.
#define FOUND_ON_STACK 512

typedef struct shape shape;

typedef struct shape_field {
    const rml_pb_field *field;
    const shape *inside; // of an embedded message; NULL: a value, a time or JSON
    bool time, json;
    size_t choice; // of a oneof: index of its first field, which keeps what was chosen
} shape_field;

struct shape {
    shape_field *fields; // by rising number
    size_t count;
    size_t first;   // of its fields in the decoder's list of what was found
    uint32_t dense; // fields with numbers 1, 2, … up to this one stand at number - 1
};

typedef struct state {
    rml_pb_schema schema;
    const shape *root;
    size_t total;      // fields of all shapes
    size_t stamp;      // index of a field of root that is the sensor time; total: none
    size_t stamp_deep; // for a header: index of the time in it
} state;

// ---- Compiling ---------------------------------------------------------------------------------

typedef struct compiler {
    rml_arena *arena;
    rml_str file;
    const rml_pb_type *path[RML_PLAN_DEPTH_MAX];
    size_t depth, total;
    rml_error *err;
} compiler;

static bool is_time(const rml_pb_type *type)
{
    static const char *const names[] = {"google.protobuf.Timestamp", "google.protobuf.Duration",
                                        "osi3.Timestamp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (rml_str_equal(type->name, rml_str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool on_path(const compiler *c, const rml_pb_type *type)
{
    for (size_t i = 0; i < c->depth; i++) {
        if (c->path[i] == type) {
            return true;
        }
    }
    return false;
}

static rml_type type_of(rml_pb_kind kind)
{
    switch (kind) {
    case RML_PB_DOUBLE:
        return RML_TYPE_F64;
    case RML_PB_FLOAT:
        return RML_TYPE_F32;
    case RML_PB_BOOL:
        return RML_TYPE_BOOL;
    case RML_PB_STRING:
        return RML_TYPE_STRING;
    case RML_PB_BYTES:
        return RML_TYPE_BINARY;
    case RML_PB_UINT64:
    case RML_PB_FIXED64:
        return RML_TYPE_U64;
    case RML_PB_INT64:
    case RML_PB_SFIXED64:
    case RML_PB_SINT64:
    case RML_PB_UINT32:
    case RML_PB_FIXED32:
        return RML_TYPE_I64;
    default:
        return RML_TYPE_I32;
    }
}

static rml_status compile_type(compiler *c, const rml_pb_type *type, const shape **out,
                               rml_field **fields);

static rml_status compile_field(compiler *c, shape_field *f, rml_field *out)
{
    const rml_pb_field *field = f->field;
    rml_field *value = out;
    if (field->repeated) {
        value = RML_NEW(c->arena, rml_field);
        if (value == NULL) {
            return rml_fail_memory(c->err, sizeof *value);
        }
        *value = (rml_field){.name = RML_STR("element"), .nullable = true};
        out->type = RML_TYPE_LIST;
        out->children = value;
        out->child_count = 1;
    }
    if (field->type == NULL) {
        value->type = type_of(field->kind);
        return RML_OK;
    }
    f->time = is_time(field->type);
    f->json = !f->time && (on_path(c, field->type) || field->type->fields.count == 0);
    if (f->time || f->json) {
        value->type = f->time ? RML_TYPE_I64 : RML_TYPE_STRING;
        return RML_OK;
    }
    rml_field *inner;
    RML_TRY(compile_type(c, field->type, &f->inside, &inner));
    value->type = RML_TYPE_STRUCT;
    value->children = inner;
    value->child_count = f->inside->count;
    return RML_OK;
}

static rml_status compile_type(compiler *c, const rml_pb_type *type, const shape **out,
                               rml_field **fields)
{
    size_t count = type->fields.count;
    if (c->depth == RML_PLAN_DEPTH_MAX || c->total + count > COLUMNS_MAX) {
        return rml_fail(c->err, RML_ERR_LIMIT, rml_place_file(c->file), NULL,
                        "expected at most %d fields nested at most %d deep, found more at %.*s",
                        COLUMNS_MAX, RML_PLAN_DEPTH_MAX, RML_FMT(type->name));
    }
    shape *s = RML_NEW(c->arena, shape);
    shape_field *list = RML_NEW_ARRAY(c->arena, shape_field, count + 1);
    *fields = RML_NEW_ARRAY(c->arena, rml_field, count + 1);
    if (s == NULL || list == NULL || *fields == NULL) {
        return rml_fail_memory(c->err, count * sizeof(shape_field));
    }
    *s = (shape){.fields = list, .count = count, .first = c->total};
    c->total += count;
    c->path[c->depth++] = type;
    for (size_t i = 0; i < count; i++) {
        list[i] = (shape_field){.field = RML_AT(&type->fields, rml_pb_field, i)};
        while (list[list[i].choice].field->oneof != list[i].field->oneof) {
            list[i].choice++; // ends at the field itself
        }
        s->dense += list[i].field->number == i + 1 && s->dense == i;
        (*fields)[i].nullable = true;
        RML_TRY(rml_plan_unique_name(c->arena, *fields, i, list[i].field->name, &(*fields)[i].name,
                                     c->err));
        RML_TRY(compile_field(c, &list[i], &(*fields)[i]));
    }
    c->depth--;
    *out = s;
    return RML_OK;
}

// A time that the message begins to tell: "timestamp" or "stamp" at its top, or in its "header".
static void find_stamp(state *st)
{
    st->stamp = st->stamp_deep = st->root->count;
    for (size_t i = 0; i < st->root->count; i++) {
        const shape_field *f = &st->root->fields[i];
        bool named = rml_str_equal(f->field->name, RML_STR("timestamp")) ||
                     rml_str_equal(f->field->name, RML_STR("stamp"));
        if (named && f->time && !f->field->repeated) {
            st->stamp = i;
            return;
        }
        if (!rml_str_equal(f->field->name, RML_STR("header")) || f->inside == NULL) {
            continue;
        }
        for (size_t k = 0; k < f->inside->count; k++) {
            if (f->inside->fields[k].time && !f->inside->fields[k].field->repeated) {
                st->stamp = i;
                st->stamp_deep = k;
                return;
            }
        }
    }
}

static rml_status compile(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                          rml_error *err)
{
    compiler c = {.arena = &plan->arena, .file = file, .err = err};
    state *st = RML_NEW(&plan->arena, state);
    rml_str set = rml_arena_str(&plan->arena, rml_str_of_bytes(kind->schema));
    if (st == NULL || set.data == NULL) {
        return rml_fail_memory(err, kind->schema.len);
    }
    RML_TRY(rml_pb_schema_parse(rml_bytes_of_str(set), file, &plan->arena, &st->schema, err));
    plan->state = st; // from here on reset frees the types
    const rml_pb_type *type = rml_pb_type_find(&st->schema, kind->schema_name);
    if (type == NULL) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                        "expected a definition of %.*s in its FileDescriptorSet, found none",
                        RML_FMT(kind->schema_name));
    }
    rml_field *fields = NULL;
    RML_TRY(compile_type(&c, type, &st->root, &fields));
    st->total = c.total;
    plan->schema = (rml_schema){fields, st->root->count};
    find_stamp(st);
    return RML_OK;
}

static void reset(rml_message_plan *plan)
{
    state *st = plan->state;
    if (st != NULL) {
        rml_pb_schema_reset(&st->schema);
    }
}

// ---- Decoding ----------------------------------------------------------------------------------

// What a field that is not repeated has been given last.
typedef struct found {
    uint32_t chosen; // of the first field of a oneof: 1 + the index of that given last; 0: none
    bool given;
    bool joined; // bytes are of the decoder's own: a message that came in pieces
    uint64_t value;
    rml_bytes bytes;
} found;

typedef struct decoder {
    found *found; // of the fields of all shapes
    rml_place place;
    rml_error *err;
} decoder;

static rml_status fail_wire(const decoder *d)
{
    return rml_fail(
        d->err, RML_ERR_DATA, d->place, NULL,
        "expected fields of Protocol Buffers up to the message's end, found other bytes");
}

// As the column holds it, in the first bytes of *raw.
static void narrow(rml_pb_kind kind, uint64_t *raw)
{
    int32_t low;
    switch (kind) {
    case RML_PB_SINT64:
        *raw = (uint64_t)rml_pb_zigzag(*raw);
        break;
    case RML_PB_SINT32:
        low = (int32_t)rml_pb_zigzag((uint32_t)*raw);
        memcpy(raw, &low, sizeof low);
        break;
    case RML_PB_UINT32:
    case RML_PB_FIXED32:
        *raw = (uint32_t)*raw;
        break;
    case RML_PB_BOOL:
        *(uint8_t *)raw = *raw != 0;
        break;
    case RML_PB_FLOAT:
    case RML_PB_INT32:
    case RML_PB_SFIXED32:
    case RML_PB_ENUM:
        low = (int32_t)(uint32_t)*raw; // the low 32 bits
        memcpy(raw, &low, sizeof low);
        break;
    default:
        break;
    }
}

static rml_status append_number(rml_pb_kind kind, uint64_t raw, rml_column *c, rml_error *err)
{
    narrow(kind, &raw);
    return rml_append_value(c, (const uint8_t *)&raw, rml_type_size(c->type), err);
}

// seconds = 1, nanos = 2 of the messages that are times.
static rml_status time_of(const decoder *d, rml_bytes left, int64_t *out)
{
    int64_t seconds = 0, nanos = 0;
    while (left.len > 0) {
        rml_pb_record r;
        if (!rml_pb_next(&left, &r)) {
            return fail_wire(d);
        }
        seconds = r.number == 1 && r.wire == RML_PB_VARINT ? (int64_t)r.value : seconds;
        nanos = r.number == 2 && r.wire == RML_PB_VARINT ? (int32_t)(uint32_t)r.value : nanos;
    }
    const int64_t most = INT64_MAX / 1000000000 - 3;
    if (seconds > most || seconds < -most) {
        return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                        "expected a time within 292 years of 1970, found %lld s",
                        (long long)seconds);
    }
    *out = seconds * 1000000000 + nanos;
    return RML_OK;
}

static rml_status append_text(const decoder *d, const rml_pb_field *f, rml_bytes text,
                              rml_column *c)
{
    if (!rml_utf8_valid(rml_str_of_bytes(text))) {
        return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                        "expected UTF-8 in the string %.*s, found other bytes", RML_FMT(f->name));
    }
    return rml_append_bytes(c, text.data, text.len, d->err);
}

static rml_status append_json(const decoder *d, const rml_pb_field *f, rml_bytes data,
                              rml_column *c)
{
    rml_buffer text = {0};
    rml_status st = rml_pb_json(f->type, data, &text, d->err);
    st = st ? st : rml_column_str(c, rml_buffer_text(&text), d->err);
    rml_buffer_reset(&text);
    return st;
}

static rml_status decode_message(decoder *d, const shape *s, rml_bytes data, rml_column *columns);

// One value of a field, from the wire, into its column (of a repeated field: the list's child).
static rml_status append(decoder *d, const shape_field *f, const found *v, rml_column *c)
{
    int64_t time_ns;
    if (f->inside != NULL) {
        RML_TRY(decode_message(d, f->inside, v->bytes, c->children));
        return rml_end_struct(c, d->err);
    }
    if (f->time) {
        RML_TRY(time_of(d, v->bytes, &time_ns));
        return rml_column_i64(c, time_ns, d->err);
    }
    if (f->json) {
        return append_json(d, f->field, v->bytes, c);
    }
    switch (f->field->kind) {
    case RML_PB_STRING:
        return append_text(d, f->field, v->bytes, c);
    case RML_PB_BYTES:
        return rml_append_bytes(c, v->bytes.data, v->bytes.len, d->err);
    default:
        return append_number(f->field->kind, v->value, c, d->err);
    }
}

// Numbers that stand in the record as in the column. Elements of lists are never null.
static rml_status append_block(const decoder *d, rml_bytes numbers, size_t size, rml_column *child)
{
    uint8_t *to = rml_buffer_add(&child->values, numbers.len, d->err);
    if (to == NULL && numbers.len > 0) {
        return RML_ERR_MEMORY;
    }
    for (size_t at = 0; at < numbers.len; at += size) {
        uint64_t value =
            size == 8 ? rml_load_u64(numbers.data + at) : rml_load_u32(numbers.data + at);
        memcpy(to + at, &value, size);
    }
    child->count += numbers.len / size;
    return RML_OK;
}

// Numbers one behind the other in one record.
static rml_status append_packed(decoder *d, const shape_field *f, rml_bytes left, rml_column *child)
{
    rml_pb_wire wire = rml_pb_wire_of(f->field->kind);
    size_t size = wire == RML_PB_I64 ? 8 : 4;
    if (wire != RML_PB_VARINT && left.len % size != 0) {
        return fail_wire(d);
    }
    if (wire != RML_PB_VARINT && rml_type_size(child->type) == size) {
        return append_block(d, left, size, child);
    }
    while (left.len > 0) {
        uint64_t value;
        if (wire == RML_PB_VARINT) {
            if (!rml_pb_varint(&left, &value)) {
                return fail_wire(d);
            }
        } else {
            value = rml_load_u32(left.data);
            left = rml_bytes_of(left.data + size, left.len - size);
        }
        RML_TRY(append_number(f->field->kind, value, child, d->err));
    }
    return RML_OK;
}

// A message that comes again is joined to what came before: one behind the other they are read as
// one.
static rml_status join(decoder *d, found *to, rml_bytes more)
{
    size_t size = to->bytes.len + more.len;
    uint8_t *both = rml_heap_make(size + 1);
    if (both == NULL) {
        return rml_fail_memory(d->err, size);
    }
    memcpy(both, to->bytes.data, to->bytes.len);
    memcpy(both + to->bytes.len, more.data, more.len);
    if (to->joined) {
        rml_heap_free((void *)to->bytes.data);
    }
    to->joined = true;
    to->bytes = rml_bytes_of(both, size);
    return RML_OK;
}

static void forget(found *slot)
{
    if (slot->joined) {
        rml_heap_free((void *)slot->bytes.data);
    }
    slot->given = slot->joined = false;
}

// Of the fields of a oneof the one that comes last is the choice.
static void choose(decoder *d, const shape *s, size_t index)
{
    found *first = &d->found[s->first + s->fields[index].choice];
    if (first->chosen != 0 && first->chosen != index + 1) {
        forget(&d->found[s->first + first->chosen - 1]);
    }
    first->chosen = (uint32_t)index + 1;
}

static rml_status take_record(decoder *d, const shape *s, const shape_field *f,
                              const rml_pb_record *r, rml_column *column)
{
    found *slot = &d->found[s->first + (size_t)(f - s->fields)];
    rml_pb_wire wire = rml_pb_wire_of(f->field->kind);
    if (f->field->repeated) {
        const found one = {.given = true, .value = r->value, .bytes = r->bytes};
        if (r->wire == wire) {
            return append(d, f, &one, &column->children[0]);
        }
        return r->wire == RML_PB_LEN && wire != RML_PB_LEN && wire != RML_PB_GROUP
                   ? append_packed(d, f, r->bytes, &column->children[0])
                   : RML_OK;
    }
    if (r->wire != wire) {
        return RML_OK;
    }
    if (f->field->oneof > 0) {
        choose(d, s, (size_t)(f - s->fields));
    }
    if (slot->given && f->field->type != NULL) {
        return join(d, slot, r->bytes);
    }
    slot->given = true;
    slot->value = r->value;
    slot->bytes = r->bytes;
    return RML_OK;
}

static const shape_field *field_of(const shape *s, uint32_t number)
{
    if (number <= s->dense) {
        return &s->fields[number - 1];
    }
    size_t low = s->dense, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t at = s->fields[middle].field->number;
        if (at == number) {
            return &s->fields[middle];
        }
        low = at < number ? middle + 1 : low;
        high = at < number ? high : middle;
    }
    return NULL;
}

static rml_status walk(decoder *d, const shape *s, rml_bytes left, rml_column *columns)
{
    while (left.len > 0) {
        rml_pb_record r;
        if (!rml_pb_next(&left, &r)) {
            return fail_wire(d);
        }
        const shape_field *f = field_of(s, r.number);
        if (f != NULL) {
            RML_TRY(take_record(d, s, f, &r, &columns[f - s->fields]));
        }
    }
    return RML_OK;
}

static rml_status finish(decoder *d, const shape *s, rml_column *columns)
{
    static const found zero = {0};
    for (size_t i = 0; i < s->count; i++) {
        const shape_field *f = &s->fields[i];
        const found *v = &d->found[s->first + i];
        if (f->field->repeated) {
            RML_TRY(rml_end_list(&columns[i], d->err));
        } else if (v->given || !f->field->presence) {
            RML_TRY(append(d, f, v->given ? v : &zero, &columns[i]));
        } else {
            RML_TRY(rml_column_null(&columns[i], d->err));
        }
    }
    return RML_OK;
}

static rml_status decode_message(decoder *d, const shape *s, rml_bytes data, rml_column *columns)
{
    for (size_t i = 0; i < s->count; i++) {
        d->found[s->first + i] = (found){0};
    }
    rml_status st = walk(d, s, data, columns);
    st = st ? st : finish(d, s, columns);
    for (size_t i = 0; i < s->count; i++) {
        forget(&d->found[s->first + i]);
    }
    return st;
}

static rml_status decode(const rml_message_plan *plan, rml_bytes data, rml_place place,
                         rml_column *columns, rml_error *err)
{
    const state *st = plan->state;
    found few[FOUND_ON_STACK];
    found *many = st->total <= FOUND_ON_STACK ? NULL : rml_heap_make(st->total * sizeof *many);
    if (st->total > FOUND_ON_STACK && many == NULL) {
        return rml_fail_memory(err, st->total * sizeof *many);
    }
    decoder d = {.found = many != NULL ? many : few, .place = place, .err = err};
    rml_status status = decode_message(&d, st->root, data, columns);
    rml_heap_free(many);
    return status;
}

static bool sensor_ns(const rml_message_plan *plan, rml_bytes data, int64_t *out)
{
    const state *st = plan->state;
    if (st->stamp == st->root->count) {
        return false;
    }
    const shape_field *f = &st->root->fields[st->stamp];
    const shape *deep = f->inside;
    rml_bytes time = {0};
    bool found_it = false;
    for (rml_bytes left = data; left.len > 0;) {
        rml_pb_record r;
        if (!rml_pb_next(&left, &r)) {
            return false;
        }
        if (r.number == f->field->number && r.wire == RML_PB_LEN) {
            time = r.bytes;
            found_it = deep == NULL;
        }
    }
    for (rml_bytes left = time; deep != NULL && left.len > 0;) {
        rml_pb_record r;
        if (!rml_pb_next(&left, &r)) {
            return false;
        }
        if (r.number == deep->fields[st->stamp_deep].field->number && r.wire == RML_PB_LEN) {
            time = r.bytes;
            found_it = true;
        }
    }
    const decoder d = {0};
    return found_it && time_of(&d, time, out) == RML_OK;
}

const rml_encoding rml_encoding_protobuf = {.message_encoding = "protobuf",
                                            .schema_encoding = "protobuf",
                                            .compile = compile,
                                            .decode = decode,
                                            .sensor_ns = sensor_ns,
                                            .reset = reset};
