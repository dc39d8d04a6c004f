// Records of MDF channel groups (message encoding "mdf4"; the schema is the JSON text that the log
// writes, docs/recordings.md): the group's bytes, then for each channel of variable length its size
// (u32, little-endian) and bytes.
//
// A channel is a column of its physical values: integers as they are without a conversion, else
// doubles; text as UTF-8. A conversion into texts gives two columns: NAME is the text, NAME_raw the
// number. Where its invalidation bit is set the value is null.
#include <math.h>
#include <string.h>

#include "conversion.h"
#include "plan.h"
#include "roadmill/base/bits.h"

#define CHANNELS_MAX 65536

// ASAM MDF 4.2, "CNBLOCK" cn_data_type.
enum {
    DATA_UNSIGNED,
    DATA_UNSIGNED_BIG,
    DATA_SIGNED,
    DATA_SIGNED_BIG,
    DATA_REAL,
    DATA_REAL_BIG,
    DATA_LATIN1,
    DATA_UTF8,
    DATA_UTF16,
    DATA_UTF16_BIG,
    DATA_BYTES,
    DATA_CANOPEN_DATE = 13,
    DATA_CANOPEN_TIME = 14
};

typedef struct channel {
    int64_t data_type, byte_offset, bit_offset, bit_count;
    int64_t variable;    // index among those of variable length; -1: in the record
    int64_t invalid_bit; // -1: none
    bool always_invalid;
    bool is_virtual; // its value is made from the number of the record, which a message does not
                     // have
    size_t elements; // of an array; 1: one value
    bool is_array;
    // Where the first index runs fastest: for each element in the order of rows, its place; NULL:
    // as they stand.
    const uint32_t *places;
    size_t column; // and of NAME_raw, if it has one, the one behind it
    bool has_raw;
    const rml_conversion *conversion; // NULL: none
} channel;

typedef struct group {
    int64_t data_bytes, invalid_bytes;
    channel *channels;
    size_t count, variables;
} group;

// ---- Compiling ---------------------------------------------------------------------------------

static bool is_text(const channel *c)
{
    return c->data_type >= DATA_LATIN1 && c->data_type <= DATA_UTF16_BIG;
}

static bool is_number(const channel *c)
{
    return c->data_type <= DATA_REAL_BIG;
}

static bool is_real(const channel *c)
{
    return c->data_type == DATA_REAL || c->data_type == DATA_REAL_BIG;
}

// The type of one value as it stands in the column.
static rml_type type_of(const channel *c)
{
    const rml_conversion *conversion = c->conversion;
    if (is_text(c)) {
        return conversion != NULL && conversion->type == RML_CC_TEXT_TO_VALUE ? RML_TYPE_F64
                                                                              : RML_TYPE_STRING;
    }
    if (c->data_type == DATA_CANOPEN_DATE || c->data_type == DATA_CANOPEN_TIME) {
        return RML_TYPE_I64;
    }
    if (!is_number(c)) {
        return RML_TYPE_BINARY;
    }
    if (conversion != NULL && conversion->type != RML_CC_IDENTITY) {
        return rml_conversion_gives_text(conversion) ? RML_TYPE_STRING : RML_TYPE_F64;
    }
    if (is_real(c)) {
        return c->bit_count == 64 ? RML_TYPE_F64 : RML_TYPE_F32;
    }
    bool is_signed = c->data_type == DATA_SIGNED || c->data_type == DATA_SIGNED_BIG;
    return !is_signed && c->bit_count == 64 ? RML_TYPE_U64 : RML_TYPE_I64;
}

// The number without its conversion.
static rml_type raw_type_of(const channel *c)
{
    channel plain = *c;
    plain.conversion = NULL;
    return type_of(&plain);
}

static rml_status check_place(const group *g, const channel *c, rml_str name, rml_str file,
                              rml_error *err)
{
    int64_t bits = 8 * c->byte_offset + c->bit_offset + (int64_t)c->elements * c->bit_count;
    bool widths = is_real(c) ? c->bit_count == 16 || c->bit_count == 32 || c->bit_count == 64
                             : !is_number(c) || (c->bit_count >= 1 && c->bit_count <= 64);
    bool whole =
        is_number(c) && c->elements == 1 ? true : c->bit_offset == 0 && c->bit_count % 8 == 0;
    if (c->data_type < 0 || c->byte_offset < 0 || c->bit_offset < 0 || c->bit_offset > 7 ||
        c->bit_count < 0 || c->byte_offset > INT32_MAX || c->bit_count > INT32_MAX * (int64_t)8 ||
        bits > 8 * g->data_bytes || (c->variable < 0 && (!widths || !whole)) ||
        c->invalid_bit >= 8 * g->invalid_bytes) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                        "expected channel %.*s inside a record of %lld bytes, found %lld bits at "
                        "byte %lld",
                        RML_FMT(name), (long long)g->data_bytes, (long long)c->bit_count,
                        (long long)c->byte_offset);
    }
    return RML_OK;
}

// A name that no column before it has, without regard to case.
static rml_status set_name(rml_message_plan *plan, rml_field *fields, size_t count, rml_str name,
                           const char *end, rml_error *err)
{
    if (name.len == 0) {
        name = RML_STR("channel");
    }
    rml_str unique = rml_arena_printf(&plan->arena, "%.*s%s", RML_FMT(name), end);
    for (unsigned k = 2;
         unique.data != NULL && rml_schema_find((rml_schema){fields, count}, unique) < count; k++) {
        unique = rml_arena_printf(&plan->arena, "%.*s_%u%s", RML_FMT(name), k, end);
    }
    fields[count].name = unique;
    fields[count].nullable = true;
    return unique.data == NULL ? rml_fail_memory(err, name.len) : RML_OK;
}

static rml_status set_type(rml_message_plan *plan, rml_field *field, const channel *c,
                           rml_type type, rml_error *err)
{
    field->type = type;
    if (!c->is_array) {
        return RML_OK;
    }
    rml_field *element = RML_NEW(&plan->arena, rml_field);
    if (element == NULL) {
        return rml_fail_memory(err, sizeof *element);
    }
    *element = (rml_field){.name = RML_STR("element"), .type = type, .nullable = true};
    field->type = RML_TYPE_LIST;
    field->children = element;
    field->child_count = 1;
    return RML_OK;
}

// Elements come in the order of rows: the last index runs fastest.
static rml_status turn_inverse(rml_message_plan *plan, const rml_json *dims, channel *c,
                               rml_error *err)
{
    uint32_t *places = RML_NEW_ARRAY(&plan->arena, uint32_t, c->elements);
    if (places == NULL) {
        return rml_fail_memory(err, c->elements * sizeof *places);
    }
    for (size_t i = 0; i < c->elements; i++) {
        // Of the index of each dimension, outermost first: how much it counts in the order of rows.
        size_t rest = i, row = c->elements, step = 1, place = 0;
        for (const rml_json *v = dims->child; v != NULL; v = v->next) {
            row /= (size_t)v->integer;
            place += rest / row * step;
            rest %= row;
            step *= (size_t)v->integer;
        }
        places[i] = (uint32_t)place;
    }
    c->places = places;
    return RML_OK;
}

static rml_status compile_channel(rml_message_plan *plan, group *g, const rml_json *from,
                                  rml_field *fields, rml_str file, rml_error *err)
{
    channel *c = &g->channels[g->count++];
    rml_str name = rml_json_get_str(from, "name", (rml_str){0});
    const rml_json *conversion = rml_json_get(from, "conversion");
    const rml_json *dims = rml_json_get(from, "dimensions");
    *c = (channel){.data_type = rml_json_get_i64(from, "data_type", -1),
                   .byte_offset = rml_json_get_i64(from, "byte_offset", -1),
                   .bit_offset = rml_json_get_i64(from, "bit_offset", -1),
                   .bit_count = rml_json_get_i64(from, "bit_count", -1),
                   .variable = rml_json_get_i64(from, "variable", -1),
                   .invalid_bit = rml_json_get_i64(from, "invalid_bit", -1),
                   .always_invalid = rml_json_get_bool(from, "invalid", false),
                   .is_virtual = rml_json_get_bool(from, "virtual", false),
                   .elements = 1,
                   .is_array = dims != NULL,
                   .column = plan->schema.count};
    for (const rml_json *v = dims == NULL ? NULL : dims->child; v != NULL; v = v->next) {
        if (v->integer < 1 || !rml_size_mul(c->elements, (size_t)v->integer, &c->elements) ||
            c->elements > (size_t)1 << 20) {
            return rml_fail(err, RML_ERR_LIMIT, rml_place_file(file), NULL,
                            "expected at most 1048576 elements in %.*s", RML_FMT(name));
        }
    }
    if (dims != NULL && rml_json_get_bool(from, "inverse", false)) {
        RML_TRY(turn_inverse(plan, dims, c, err));
    }
    g->variables += c->variable >= 0;
    if (conversion != NULL && conversion->kind == RML_JSON_OBJECT) {
        RML_TRY(rml_conversion_compile(conversion, rml_place_file(file), &plan->arena,
                                       &c->conversion, err));
    }
    if (c->is_virtual) {
        // What does not depend on the number of the record is known all the same.
        bool constant = c->conversion != NULL && c->conversion->type == RML_CC_LINEAR &&
                        c->conversion->values[1] == 0;
        c->always_invalid = !constant;
    }
    bool in_record = !c->always_invalid && !c->is_virtual;
    RML_TRY(in_record ? check_place(g, c, name, file, err) : RML_OK);
    RML_TRY(set_name(plan, fields, plan->schema.count, name, "", err));
    RML_TRY(set_type(plan, &fields[plan->schema.count++], c, type_of(c), err));
    c->has_raw = is_number(c) && c->conversion != NULL && rml_conversion_gives_text(c->conversion);
    if (c->has_raw) {
        RML_TRY(set_name(plan, fields, plan->schema.count, name, "_raw", err));
        RML_TRY(set_type(plan, &fields[plan->schema.count++], c, raw_type_of(c), err));
    }
    return RML_OK;
}

static rml_status compile_mdf4(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                               rml_error *err)
{
    const rml_json *tree;
    group *g = RML_NEW(&plan->arena, group);
    RML_TRY(rml_json_parse(&plan->arena, rml_str_of_bytes(kind->schema), file, &tree, err));
    const rml_json *channels = rml_json_get(tree, "channels");
    size_t count = channels == NULL ? 0 : channels->count;
    if (channels == NULL || channels->kind != RML_JSON_ARRAY || count > CHANNELS_MAX) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                        "expected a list of at most %d channels in the schema, found %zu",
                        CHANNELS_MAX, count);
    }
    rml_field *fields = RML_NEW_ARRAY(&plan->arena, rml_field, 2 * count + 1);
    if (g == NULL || fields == NULL) {
        return rml_fail_memory(err, count * sizeof *fields);
    }
    g->data_bytes = rml_json_get_i64(tree, "data_bytes", -1);
    g->invalid_bytes = rml_json_get_i64(tree, "invalidation_bytes", 0);
    g->channels = RML_NEW_ARRAY(&plan->arena, channel, count + 1);
    if (g->channels == NULL) {
        return rml_fail_memory(err, count * sizeof(channel));
    }
    if (g->data_bytes < 0 || g->data_bytes > UINT32_MAX || g->invalid_bytes < 0 ||
        g->invalid_bytes > UINT32_MAX) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                        "expected sizes of a record in the schema, found none");
    }
    plan->schema.fields = fields;
    plan->state = g;
    for (const rml_json *v = channels->child; v != NULL; v = v->next) {
        RML_TRY(compile_channel(plan, g, v, fields, file, err));
    }
    return RML_OK;
}

// ---- Values ------------------------------------------------------------------------------------

// IEEE 754 binary16.
static double half(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023) / 1024;
    double value = exponent == 0    ? ldexp(fraction, -14)
                   : exponent == 31 ? (fraction > 0 ? NAN : INFINITY)
                                    : ldexp(1 + fraction, exponent - 15);
    return (bits >> 15 & 1) != 0 ? -value : value;
}

static uint64_t bits_of(const channel *c, const uint8_t *record, size_t element)
{
    size_t count = (size_t)c->bit_count;
    const uint8_t *p = record + c->byte_offset + element * count / 8;
    size_t shift = (size_t)c->bit_offset;
    return c->data_type % 2 == 0 ? rml_bits_little(p, shift, count)
                                 : rml_bits_big(p, (shift + count + 7) / 8, shift, count);
}

static double number_of(const channel *c, uint64_t bits)
{
    if (is_real(c)) {
        double wide;
        float narrow;
        uint32_t low = (uint32_t)bits;
        memcpy(&wide, &bits, sizeof wide);
        memcpy(&narrow, &low, sizeof narrow);
        return c->bit_count == 64 ? wide : c->bit_count == 32 ? (double)narrow : half(bits);
    }
    bool is_signed = c->data_type == DATA_SIGNED || c->data_type == DATA_SIGNED_BIG;
    return is_signed ? (double)rml_bits_signed(bits, (size_t)c->bit_count) : (double)bits;
}

static rml_status append_raw(const channel *c, uint64_t bits, rml_column *column, rml_error *err)
{
    if (is_real(c)) {
        return rml_column_f64(column, number_of(c, bits), err);
    }
    bool is_signed = c->data_type == DATA_SIGNED || c->data_type == DATA_SIGNED_BIG;
    int64_t value = is_signed ? rml_bits_signed(bits, (size_t)c->bit_count) : (int64_t)bits;
    return column->type == RML_TYPE_U64 ? rml_column_value(column, &bits, err)
                                        : rml_column_i64(column, value, err);
}

static rml_status append_number(const channel *c, uint64_t bits, rml_column *column, rml_error *err)
{
    const rml_conversion *conversion = c->conversion;
    if (conversion == NULL || conversion->type == RML_CC_IDENTITY) {
        return append_raw(c, bits, column, err);
    }
    double raw = number_of(c, bits);
    if (!rml_conversion_gives_text(conversion)) {
        return rml_column_f64(column, rml_conversion_number(conversion, raw, is_real(c)), err);
    }
    rml_buffer text = {0};
    rml_status st = rml_conversion_text(conversion, raw, bits, is_real(c), &text, err);
    if (st == RML_OK) {
        st = rml_column_str(column, rml_buffer_text(&text), err);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status append_utf8(rml_buffer *out, uint32_t code, rml_error *err)
{
    uint8_t b[4];
    size_t n = 0;
    if (code < 0x80) {
        b[n++] = (uint8_t)code;
    } else if (code < 0x800) {
        b[n++] = (uint8_t)(0xC0 | code >> 6);
    } else if (code < 0x10000) {
        b[n++] = (uint8_t)(0xE0 | code >> 12);
        b[n++] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    } else {
        b[n++] = (uint8_t)(0xF0 | code >> 18);
        b[n++] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
        b[n++] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    }
    if (code >= 0x80) {
        b[n++] = (uint8_t)(0x80 | (code & 0x3F));
    }
    return rml_buffer_append(out, b, n, err);
}

// Text of another character set as UTF-8, up to its zero; what is no character becomes U+FFFD.
static rml_status recode(const channel *c, rml_bytes in, rml_buffer *out, rml_error *err)
{
    bool wide = c->data_type >= DATA_UTF16;
    size_t step = wide ? 2 : 1;
    for (size_t i = 0; i + step <= in.len; i += step) {
        uint32_t code = in.data[i];
        if (wide) {
            bool big = c->data_type == DATA_UTF16_BIG;
            code = (uint32_t)(big ? in.data[i] << 8 | in.data[i + 1]
                                  : in.data[i + 1] << 8 | in.data[i]);
            if (code >= 0xD800 && code < 0xDC00 && i + 4 <= in.len) {
                uint32_t low = (uint32_t)(big ? in.data[i + 2] << 8 | in.data[i + 3]
                                              : in.data[i + 3] << 8 | in.data[i + 2]);
                if (low >= 0xDC00 && low < 0xE000) {
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                    i += 2;
                }
            }
            code = code >= 0xD800 && code < 0xE000 ? 0xFFFD : code;
        }
        if (code == 0) {
            break;
        }
        RML_TRY(append_utf8(out, code, err));
    }
    return RML_OK;
}

static rml_status append_text(const channel *c, rml_bytes in, rml_place place, rml_column *column,
                              rml_error *err)
{
    rml_buffer text = {0};
    rml_str shown = {(const char *)in.data, 0};
    rml_status st = RML_OK;
    if (c->data_type == DATA_UTF8) {
        while (shown.len < in.len && in.data[shown.len] != 0) {
            shown.len++;
        }
        if (!rml_utf8_valid(shown)) {
            return rml_fail(err, RML_ERR_DATA, place, NULL,
                            "expected UTF-8 in a text of %zu bytes, found other bytes", shown.len);
        }
    } else {
        st = recode(c, in, &text, err);
        shown = rml_buffer_text(&text);
    }
    const rml_conversion *conversion = c->conversion;
    if (st == RML_OK && conversion != NULL && conversion->type == RML_CC_TEXT_TO_VALUE) {
        st = rml_column_f64(column, rml_conversion_of_text(conversion, shown), err);
    } else if (st == RML_OK) {
        bool table = conversion != NULL && conversion->type == RML_CC_TEXT_TO_TEXT;
        st = rml_column_str(column, table ? rml_conversion_text_of_text(conversion, shown) : shown,
                            err);
    }
    rml_buffer_reset(&text);
    return st;
}

// CANopen, CiA 301: milliseconds after midnight and days since 1984-01-01; or the parts of a date.
static int64_t canopen_ns(const channel *c, const uint8_t *p)
{
    static const int64_t day_ns = 86400000000000, days_to_1984 = 5113;
    if (c->data_type == DATA_CANOPEN_TIME) {
        int64_t ms = rml_load_u32(p) & 0x0FFFFFFF;
        return (days_to_1984 + rml_load_u16(p + 4)) * day_ns + ms * 1000000;
    }
    // Days of the Gregorian calendar, years of two digits from 1984 to 2083.
    int64_t year = p[6] & 0x7F, month = p[5] & 0x3F, day = p[4] & 0x1F;
    year += year >= 84 ? 1900 : 2000;
    int64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
    int64_t ns = (int64_t)rml_load_u16(p) * 1000000 + (p[2] & 0x3F) * (int64_t)60000000000 +
                 (p[3] & 0x1F) * (int64_t)3600000000000;
    return days * day_ns + ns;
}

static rml_status append_bytes(const channel *c, rml_bytes in, rml_place place, rml_column *column,
                               rml_error *err)
{
    if (is_text(c)) {
        return append_text(c, in, place, column, err);
    }
    if (c->data_type == DATA_CANOPEN_DATE || c->data_type == DATA_CANOPEN_TIME) {
        size_t need = c->data_type == DATA_CANOPEN_DATE ? 7 : 6;
        return in.len < need ? rml_column_null(column, err)
                             : rml_column_i64(column, canopen_ns(c, in.data), err);
    }
    return rml_column_bytes(column, in.data, in.len, err);
}

static rml_status append_array(const channel *c, const uint8_t *record, rml_place place,
                               rml_column *column, rml_error *err)
{
    for (size_t i = 0; i < c->elements; i++) {
        size_t size = (size_t)c->bit_count / 8, place_of = c->places != NULL ? c->places[i] : i;
        rml_bytes in = {record + c->byte_offset + place_of * size, size};
        RML_TRY(is_number(c)
                    ? append_number(c, bits_of(c, record, place_of), &column->children[0], err)
                    : append_bytes(c, in, place, &column->children[0], err));
    }
    return rml_column_list_end(column, err);
}

static rml_status append_raw_array(const channel *c, const uint8_t *record, rml_column *column,
                                   rml_error *err)
{
    for (size_t i = 0; i < c->elements; i++) {
        size_t place = c->places != NULL ? c->places[i] : i;
        RML_TRY(append_raw(c, bits_of(c, record, place), &column->children[0], err));
    }
    return rml_column_list_end(column, err);
}

static rml_status decode_channel(const group *g, const channel *c, rml_bytes record,
                                 const rml_bytes *variables, rml_place place, rml_column *columns,
                                 rml_error *err)
{
    rml_column *column = &columns[c->column];
    bool invalid =
        c->always_invalid ||
        (c->invalid_bit >= 0 && rml_bit_get(record.data + g->data_bytes, (size_t)c->invalid_bit));
    if (invalid) {
        RML_TRY(c->has_raw ? rml_column_null(column + 1, err) : RML_OK);
        return rml_column_null(column, err);
    }
    if (c->is_virtual) {
        return rml_column_f64(column, c->conversion->values[0], err);
    }
    if (c->variable >= 0) {
        return append_bytes(c, variables[c->variable], place, column, err);
    }
    if (c->is_array) {
        RML_TRY(c->has_raw ? append_raw_array(c, record.data, column + 1, err) : RML_OK);
        return append_array(c, record.data, place, column, err);
    }
    if (is_number(c)) {
        uint64_t bits = bits_of(c, record.data, 0);
        RML_TRY(c->has_raw ? append_raw(c, bits, column + 1, err) : RML_OK);
        return append_number(c, bits, column, err);
    }
    rml_bytes in = {record.data + c->byte_offset, (size_t)c->bit_count / 8};
    return append_bytes(c, in, place, column, err);
}

// Splits what stands behind the record.
static rml_status take_variables(const group *g, rml_bytes data, rml_bytes *out, rml_place place,
                                 rml_error *err)
{
    rml_cursor cursor = {data};
    for (size_t i = 0; i < g->variables; i++) {
        rml_str value;
        if (!rml_take_str32(&cursor, &value)) {
            return rml_fail(err, RML_ERR_DATA, place, NULL,
                            "expected %zu values of variable length behind the record, found %zu",
                            g->variables, i);
        }
        out[i] = rml_bytes_of_str(value);
    }
    return cursor.left.len == 0
               ? RML_OK
               : rml_fail(err, RML_ERR_DATA, place, NULL,
                          "expected the record to end, found %zu bytes more", cursor.left.len);
}

static rml_status decode_mdf4(const rml_message_plan *plan, rml_bytes data, rml_place place,
                              rml_column *columns, rml_error *err)
{
    const group *g = plan->state;
    size_t size = (size_t)(g->data_bytes + g->invalid_bytes);
    if (data.len < size) {
        return rml_fail(err, RML_ERR_DATA, place, NULL,
                        "expected a record of at least %zu bytes, found %zu", size, data.len);
    }
    rml_bytes *variables = NULL;
    if (g->variables > 0) {
        variables = rml_heap_make(g->variables * sizeof *variables);
        if (variables == NULL) {
            return rml_fail_memory(err, g->variables * sizeof *variables);
        }
    }
    rml_bytes record = {data.data, size}, rest = {data.data + size, data.len - size};
    rml_status st = take_variables(g, rest, variables, place, err);
    for (size_t i = 0; st == RML_OK && i < g->count; i++) {
        st = decode_channel(g, &g->channels[i], record, variables, place, columns, err);
    }
    rml_heap_free(variables);
    return st;
}

const rml_encoding rml_encoding_mdf4 = {.message_encoding = "mdf4",
                                        .schema_encoding = "mdf4",
                                        .compile = compile_mdf4,
                                        .decode = decode_mdf4};
