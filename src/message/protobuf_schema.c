// A FileDescriptorSet as types and fields (google/protobuf/descriptor.proto). Field numbers of the
// descriptors themselves stand beside their names.
#include <string.h>

#include "protobuf.h"

#define TYPES_MAX 20000
#define NESTING_MAX 32
#define FIELD_NUMBER_MAX 536870911

// ---- The wire ----------------------------------------------------------------------------------

bool rml_pb_varint(rml_bytes *left, uint64_t *out)
{
    uint64_t value = 0;
    if (left->len > 0 && left->data[0] < 128) { // the usual tag and length
        *out = left->data[0];
        *left = rml_bytes_of(left->data + 1, left->len - 1);
        return true;
    }
    for (size_t i = 0; i < 10 && i < left->len; i++) {
        uint8_t byte = left->data[i];
        value |= (uint64_t)(byte & 127) << 7 * i;
        if (byte < 128) {
            *left = rml_bytes_of(left->data + i + 1, left->len - i - 1);
            *out = value;
            return i < 9 || byte <= 1;
        }
    }
    return false;
}

static bool take(rml_bytes *left, uint64_t len, rml_bytes *out)
{
    if (len > left->len) {
        return false;
    }
    *out = rml_bytes_of(left->data, (size_t)len);
    *left = rml_bytes_of(left->data + len, left->len - (size_t)len);
    return true;
}

static bool take_tag(rml_bytes *left, rml_pb_record *out)
{
    uint64_t tag;
    if (!rml_pb_varint(left, &tag) || tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX) {
        return false;
    }
    out->number = (uint32_t)(tag >> 3);
    out->wire = (rml_pb_wire)(tag & 7);
    return true;
}

static bool take_value(rml_bytes *left, rml_pb_record *out)
{
    uint64_t len;
    rml_bytes raw;
    switch (out->wire) {
    case RML_PB_VARINT:
        return rml_pb_varint(left, &out->value);
    case RML_PB_I64:
        if (!take(left, 8, &raw)) {
            return false;
        }
        out->value = rml_load_u64(raw.data);
        return true;
    case RML_PB_I32:
        if (!take(left, 4, &raw)) {
            return false;
        }
        out->value = rml_load_u32(raw.data);
        return true;
    case RML_PB_LEN:
        return rml_pb_varint(left, &len) && take(left, len, &out->bytes);
    default:
        return false;
    }
}

// What stands in a group, up to its end tag, groups within it included.
static bool take_group(rml_bytes *left, rml_pb_record *out)
{
    uint32_t open[RML_PB_GROUPS_MAX];
    size_t depth = 1;
    const uint8_t *start = left->data, *end = start;
    open[0] = out->number;
    while (depth > 0) {
        rml_pb_record inner;
        end = left->data;
        if (!take_tag(left, &inner)) {
            return false;
        }
        if (inner.wire == RML_PB_GROUP) {
            if (depth == RML_PB_GROUPS_MAX) {
                return false;
            }
            open[depth++] = inner.number;
        } else if (inner.wire == RML_PB_GROUP_END) {
            if (open[--depth] != inner.number) {
                return false;
            }
        } else if (!take_value(left, &inner)) {
            return false;
        }
    }
    out->bytes = rml_bytes_of(start, (size_t)(end - start));
    return true;
}

bool rml_pb_next(rml_bytes *left, rml_pb_record *out)
{
    if (!take_tag(left, out)) {
        return false;
    }
    return out->wire == RML_PB_GROUP ? take_group(left, out) : take_value(left, out);
}

rml_pb_wire rml_pb_wire_of(rml_pb_kind kind)
{
    switch (kind) {
    case RML_PB_DOUBLE:
    case RML_PB_FIXED64:
    case RML_PB_SFIXED64:
        return RML_PB_I64;
    case RML_PB_FLOAT:
    case RML_PB_FIXED32:
    case RML_PB_SFIXED32:
        return RML_PB_I32;
    case RML_PB_STRING:
    case RML_PB_MESSAGE:
    case RML_PB_BYTES:
        return RML_PB_LEN;
    case RML_PB_GROUP_MESSAGE:
        return RML_PB_GROUP;
    default:
        return RML_PB_VARINT;
    }
}

// ---- Descriptors -------------------------------------------------------------------------------

typedef struct parser {
    rml_pb_schema *schema;
    rml_arena *arena;
    rml_str file;
    bool proto3;
    rml_error *err;
} parser;

static rml_status fail_torn(const parser *p, const char *what)
{
    return rml_fail(p->err, RML_ERR_DATA, rml_place_file(p->file), NULL,
                    "expected a FileDescriptorSet as schema, found a torn %s", what);
}

// FieldDescriptorProto: name = 1, number = 3, label = 4, type = 5, type_name = 6, oneof_index = 9.
static rml_status parse_field(parser *p, rml_bytes left, rml_pb_type *type)
{
    rml_pb_field f = {0};
    while (left.len > 0) {
        rml_pb_record r;
        if (!rml_pb_next(&left, &r)) {
            return fail_torn(p, "field");
        }
        if (r.number == 1 && r.wire == RML_PB_LEN) {
            f.name = rml_arena_str(p->arena, rml_str_of_bytes(r.bytes));
            if (f.name.data == NULL) {
                return rml_fail_memory(p->err, r.bytes.len);
            }
        } else if (r.number == 3 && r.wire == RML_PB_VARINT) {
            f.number = r.value <= FIELD_NUMBER_MAX ? (uint32_t)r.value : 0;
        } else if (r.number == 4 && r.wire == RML_PB_VARINT) {
            f.repeated = r.value == 3;
        } else if (r.number == 5 && r.wire == RML_PB_VARINT) {
            f.kind = r.value <= RML_PB_SINT64 ? (rml_pb_kind)r.value : 0;
        } else if (r.number == 6 && r.wire == RML_PB_LEN) {
            f.type_name = rml_str_of_bytes(r.bytes);
        } else if (r.number == 9 && r.wire == RML_PB_VARINT) {
            f.oneof = r.value < FIELD_NUMBER_MAX ? (uint32_t)r.value + 1 : 0;
        }
    }
    if (f.number == 0 || f.kind == 0 || f.name.len == 0 || !rml_utf8_valid(f.name)) {
        return rml_fail(p->err, RML_ERR_DATA, rml_place_file(p->file), NULL,
                        "expected fields with name, number and type in %.*s, found one without",
                        RML_FMT(type->name));
    }
    f.presence =
        !p->proto3 || f.oneof > 0 || f.kind == RML_PB_MESSAGE || f.kind == RML_PB_GROUP_MESSAGE;
    rml_pb_field *out = rml_array_push(&type->fields, p->err);
    if (out == NULL) {
        return RML_ERR_MEMORY;
    }
    *out = f;
    return RML_OK;
}

// DescriptorProto: name = 1, field = 2, nested_type = 3.
static rml_status parse_type(parser *p, rml_bytes body, rml_str scope, int depth)
{
    rml_pb_type type = {.fields = RML_ARRAY(rml_pb_field)};
    rml_bytes left = body;
    rml_pb_record r;
    rml_str name = {0};
    if (depth > NESTING_MAX || p->schema->types.count >= TYPES_MAX) {
        return rml_fail(p->err, RML_ERR_LIMIT, rml_place_file(p->file), NULL,
                        "expected at most %d types, nested at most %d deep, found more", TYPES_MAX,
                        NESTING_MAX);
    }
    while (left.len > 0) {
        if (!rml_pb_next(&left, &r)) {
            return fail_torn(p, "message type");
        }
        name = r.number == 1 && r.wire == RML_PB_LEN ? rml_str_of_bytes(r.bytes) : name;
    }
    type.name = rml_arena_printf(p->arena, "%.*s%s%.*s", RML_FMT(scope), scope.len > 0 ? "." : "",
                                 RML_FMT(name));
    rml_pb_type *place = type.name.data == NULL ? NULL : rml_array_push(&p->schema->types, p->err);
    if (place == NULL) {
        return rml_fail_memory(p->err, name.len);
    }
    *place = type;
    size_t index = p->schema->types.count - 1;
    for (left = body; left.len > 0 && rml_pb_next(&left, &r);) {
        if (r.number == 2 && r.wire == RML_PB_LEN) {
            RML_TRY(parse_field(p, r.bytes, RML_AT(&p->schema->types, rml_pb_type, index)));
        } else if (r.number == 3 && r.wire == RML_PB_LEN) {
            RML_TRY(parse_type(p, r.bytes, type.name, depth + 1));
        }
    }
    return RML_OK;
}

// FileDescriptorProto: package = 2, message_type = 4, syntax = 12.
static rml_status parse_file(parser *p, rml_bytes body)
{
    rml_str package = {0};
    rml_pb_record r;
    p->proto3 = false;
    for (rml_bytes left = body; left.len > 0;) {
        if (!rml_pb_next(&left, &r)) {
            return fail_torn(p, "file");
        }
        if (r.number == 2 && r.wire == RML_PB_LEN) {
            package = rml_str_of_bytes(r.bytes);
        } else if (r.number == 12 && r.wire == RML_PB_LEN) {
            p->proto3 = rml_str_equal(rml_str_of_bytes(r.bytes), RML_STR("proto3"));
        }
    }
    for (rml_bytes left = body; left.len > 0 && rml_pb_next(&left, &r);) {
        if (r.number == 4 && r.wire == RML_PB_LEN) {
            RML_TRY(parse_type(p, r.bytes, package, 0));
        }
    }
    return RML_OK;
}

// ---- What belongs together ---------------------------------------------------------------------

const rml_pb_type *rml_pb_type_find(const rml_pb_schema *s, rml_str name)
{
    size_t low = 0, high = s->types.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const rml_pb_type *t = RML_AT(&s->types, rml_pb_type, middle);
        int order = rml_str_compare(t->name, name);
        if (order == 0) {
            return t;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

static int by_name(const void *a, const void *b, void *context)
{
    (void)context;
    return rml_str_compare(((const rml_pb_type *)a)->name, ((const rml_pb_type *)b)->name);
}

static int by_number(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_pb_field *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static rml_status resolve(parser *p)
{
    RML_TRY(rml_array_sort(&p->schema->types, by_name, NULL, p->err));
    for (size_t i = 0; i < p->schema->types.count; i++) {
        rml_pb_type *t = RML_AT(&p->schema->types, rml_pb_type, i);
        RML_TRY(rml_array_sort(&t->fields, by_number, NULL, p->err));
        for (size_t k = 0; k < t->fields.count; k++) {
            rml_pb_field *f = RML_AT(&t->fields, rml_pb_field, k);
            if (k > 0 && f[-1].number == f->number) {
                return rml_fail(p->err, RML_ERR_DATA, rml_place_file(p->file), NULL,
                                "expected each number once in %.*s, found %u twice",
                                RML_FMT(t->name), f->number);
            }
            if (f->kind != RML_PB_MESSAGE && f->kind != RML_PB_GROUP_MESSAGE) {
                continue;
            }
            bool full = f->type_name.len > 0 && f->type_name.data[0] == '.';
            rml_str name =
                full ? (rml_str){f->type_name.data + 1, f->type_name.len - 1} : f->type_name;
            f->type = rml_pb_type_find(p->schema, name);
            if (f->type == NULL) {
                return rml_fail(p->err, RML_ERR_DATA, rml_place_file(p->file), NULL,
                                "expected a definition of %.*s (field %.*s), found none",
                                RML_FMT(f->type_name), RML_FMT(f->name));
            }
        }
    }
    return RML_OK;
}

rml_status rml_pb_schema_parse(rml_bytes set, rml_str file, rml_arena *arena, rml_pb_schema *out,
                               rml_error *err)
{
    parser p = {.schema = out, .arena = arena, .file = file, .err = err};
    out->types = RML_ARRAY(rml_pb_type);
    rml_status st = RML_OK;
    for (rml_bytes left = set; st == RML_OK && left.len > 0;) {
        rml_pb_record r;
        st = rml_pb_next(&left, &r) ? RML_OK : fail_torn(&p, "set");
        if (st == RML_OK && r.number == 1 && r.wire == RML_PB_LEN) {
            st = parse_file(&p, r.bytes);
        }
    }
    st = st ? st : resolve(&p);
    if (st) {
        rml_pb_schema_reset(out);
    }
    return st;
}

void rml_pb_schema_reset(rml_pb_schema *s)
{
    for (size_t i = 0; i < s->types.count; i++) {
        rml_array_reset(&RML_AT(&s->types, rml_pb_type, i)->fields);
    }
    rml_array_reset(&s->types);
}
