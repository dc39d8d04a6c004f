// Reads the descriptions of an MDF 3 file; see mdf3_group.h. Conversions become those of MDF 4 that
// mean the same. What has none there (exponential and logarithmic, VAX numbers) is left out: a raw
// number under the name of a physical value would be wrong.
#include "mdf3_group.h"

#include <string.h>

#include "mdf_block.h"
#include "roadmill/base/json.h"

#define CHANNELS_MAX 65536
#define GROUPS_MAX 65536
// Of all layouts together: a file may link one conversion from every channel, or in circles.
#define SCHEMAS_MAX ((size_t)64 << 20)
#define TEXT_MAX 4096
#define TEXT_ENTRY 40 // of a table of values and texts
#define RANGE_ENTRY 20

typedef struct block {
    uint64_t offset;
    const uint8_t *p; // from its letters on
    size_t size;
} block;

typedef struct reader {
    rml_log *log;
    rml_mdf3 *m;
    rml_json_writer w;
    size_t schemas; // bytes of the layouts of the groups before
    rml_error *err;
} reader;

// ---- Numbers and texts -------------------------------------------------------------------------

static uint16_t u16(const reader *r, const uint8_t *p)
{
    uint16_t little = rml_load_u16(p);
    return r->m->big ? __builtin_bswap16(little) : little;
}

static uint32_t u32(const reader *r, const uint8_t *p)
{
    return r->m->big ? __builtin_bswap32(rml_load_u32(p)) : rml_load_u32(p);
}

static uint64_t u64(const reader *r, const uint8_t *p)
{
    return r->m->big ? __builtin_bswap64(rml_load_u64(p)) : rml_load_u64(p);
}

static double f64(const reader *r, const uint8_t *p)
{
    uint64_t bits = u64(r, p);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Text is Latin 1, up to a zero.
static rml_status latin(reader *r, const uint8_t *p, size_t most, rml_str *out)
{
    size_t len = 0;
    while (len < most && p[len] != 0) {
        len++;
    }
    char *text = rml_arena_make(&r->log->arena, 2 * len + 1);
    if (text == NULL) {
        return rml_fail_memory(r->err, 2 * len);
    }
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] >= 0x80) {
            text[n++] = (char)(0xC0 | p[i] >> 6);
        }
        text[n++] = (char)(p[i] >= 0x80 ? 0x80 | (p[i] & 0x3F) : p[i]);
    }
    *out = rml_str_trim((rml_str){text, n});
    return RML_OK;
}

// The block at an offset with at least so many bytes.
static rml_status block_at(const reader *r, uint64_t offset, const char *id, size_t least,
                           block *out)
{
    rml_bytes file = r->log->file;
    rml_place at = rml_place_byte(r->log->name, offset);
    if (offset > file.len || file.len - offset < 4 || memcmp(file.data + offset, id, 2) != 0) {
        return rml_fail(
            r->err, RML_ERR_DATA, at, RML_MDF_REMEDY, "expected a block %s of MDF 3, found %s", id,
            offset > file.len || file.len - offset < 4 ? "the end of the file" : "another");
    }
    const uint8_t *p = file.data + offset;
    size_t size = u16(r, p + 2), left = (size_t)(file.len - offset);
    *out = (block){offset, p, size < left ? size : left};
    return out->size >= least
               ? RML_OK
               : rml_fail(r->err, RML_ERR_DATA, at, RML_MDF_REMEDY,
                          "expected a block %s of %zu bytes, found %zu", id, least, out->size);
}

// The text of a TX block, as far as it is no essay; empty where there is none.
static rml_status text_at(reader *r, uint64_t offset, rml_str *out)
{
    block b;
    rml_error *err = r->err;
    r->err = NULL;
    rml_status st = offset == 0 ? RML_END : block_at(r, offset, "TX", 4, &b);
    r->err = err;
    *out = (rml_str){0};
    size_t most = st ? 0 : b.size - 4;
    return st ? RML_OK : latin(r, b.p + 4, most < TEXT_MAX ? most : TEXT_MAX, out);
}

// ---- Conversions -------------------------------------------------------------------------------

static void begin(reader *r, int type)
{
    rml_json_key(&r->w, "conversion");
    rml_json_object(&r->w);
    rml_json_kv_i64(&r->w, "type", type);
    rml_json_key(&r->w, "values");
    rml_json_list(&r->w);
}

static void end(reader *r)
{
    rml_json_list_end(&r->w);
    rml_json_object_end(&r->w);
}

static void put_numbers(reader *r, int type, const double *values, size_t count)
{
    begin(r, type);
    for (size_t i = 0; i < count; i++) {
        rml_json_f64(&r->w, values[i]);
    }
    end(r);
}

// 6: (P2 - P4 (X - P5 - P6)) / (P3 (X - P5 - P6) - P1), as the rational function of MDF 4.
static void put_polynomial(reader *r, const double p[6])
{
    double shift = p[4] + p[5];
    const double values[] = {0, -p[3], p[1] + p[3] * shift, 0, p[2], -p[2] * shift - p[0]};
    put_numbers(r, 2, values, 6);
}

// 11: a number and a text of 32 bytes each; MDF 4's value to text.
static rml_status put_texts(reader *r, const block *b, size_t count)
{
    begin(r, 7);
    for (size_t i = 0; i < count; i++) {
        rml_json_f64(&r->w, f64(r, b->p + 46 + TEXT_ENTRY * i));
    }
    rml_json_list_end(&r->w);
    rml_json_key(&r->w, "references");
    rml_json_list(&r->w);
    for (size_t i = 0; i < count; i++) {
        rml_str text;
        RML_TRY(latin(r, b->p + 46 + TEXT_ENTRY * i + 8, 32, &text));
        rml_json_str(&r->w, text);
    }
    end(r);
    return RML_OK;
}

// 12: the default first, then ranges with links to texts; MDF 4 has the default last.
static rml_status put_ranges(reader *r, const block *b, size_t count)
{
    begin(r, 8);
    for (size_t i = 1; i < count; i++) {
        const uint8_t *p = b->p + 46 + RANGE_ENTRY * i;
        rml_json_f64(&r->w, f64(r, p));
        rml_json_f64(&r->w, f64(r, p + 8));
    }
    rml_json_list_end(&r->w);
    rml_json_key(&r->w, "references");
    rml_json_list(&r->w);
    for (size_t i = 1; i <= count; i++) {
        rml_str text;
        RML_TRY(text_at(r, u32(r, b->p + 46 + RANGE_ENTRY * (i % count) + 16), &text));
        rml_json_str(&r->w, text);
    }
    end(r);
    return RML_OK;
}

// 10: a formula of X1.
static rml_status put_formula(reader *r, const block *b)
{
    rml_str text;
    rml_buffer plain = {0};
    RML_TRY(latin(r, b->p + 46, b->size - 46, &text));
    rml_status st = RML_OK;
    for (size_t i = 0; !st && i < text.len; i++) {
        bool index = text.data[i] == '1' && i > 0 && (text.data[i - 1] | 0x20) == 'x';
        st = index ? RML_OK : rml_buffer_append(&plain, &text.data[i], 1, r->err);
    }
    begin(r, 3);
    rml_json_list_end(&r->w);
    rml_json_key(&r->w, "references");
    rml_json_list(&r->w);
    rml_json_str(&r->w, rml_buffer_text(&plain));
    end(r);
    rml_buffer_reset(&plain);
    return st;
}

enum {
    CC_LINEAR = 0,
    CC_INTERPOLATED = 1,
    CC_TABLE = 2,
    CC_POLYNOMIAL = 6,
    CC_RATIONAL = 9,
    CC_FORMULA = 10,
    CC_TEXTS = 11,
    CC_RANGES = 12,
    CC_DATE = 132,
    CC_TIME = 133,
    CC_NONE = 65535
};

// Bytes that a conversion needs behind its head, by its kind and number of parameters; -1: a kind
// that is not read.
static int64_t conversion_size(uint16_t type, uint16_t count)
{
    switch (type) {
    case CC_LINEAR:
        return 16;
    case CC_INTERPOLATED:
    case CC_TABLE:
        return 16 * (int64_t)count;
    case CC_POLYNOMIAL:
    case CC_RATIONAL:
        return 48;
    case CC_TEXTS:
        return TEXT_ENTRY * (int64_t)count;
    case CC_RANGES:
        return count > 0 ? RANGE_ENTRY * (int64_t)count : -1;
    case CC_FORMULA:
    case CC_DATE:
    case CC_TIME:
    case CC_NONE:
        return 0;
    default:
        return -1;
    }
}

static rml_status put_conversion(reader *r, const block *b)
{
    uint16_t type = u16(r, b->p + 42), count = u16(r, b->p + 44);
    double p[6] = {0};
    for (size_t i = 0; i < 6 && 46 + 8 * (i + 1) <= b->size; i++) {
        p[i] = f64(r, b->p + 46 + 8 * i);
    }
    switch (type) {
    case CC_LINEAR:
        put_numbers(r, 1, p, 2);
        return RML_OK;
    case CC_INTERPOLATED:
    case CC_TABLE:
        begin(r, type == CC_TABLE ? 5 : 4);
        for (size_t i = 0; i < 2 * (size_t)count; i++) {
            rml_json_f64(&r->w, f64(r, b->p + 46 + 8 * i));
        }
        end(r);
        return RML_OK;
    case CC_POLYNOMIAL:
        put_polynomial(r, p);
        return RML_OK;
    case CC_RATIONAL:
        put_numbers(r, 2, p, 6);
        return RML_OK;
    case CC_FORMULA:
        return put_formula(r, b);
    case CC_TEXTS:
        return put_texts(r, b, count);
    case CC_RANGES:
        return put_ranges(r, b, count);
    default:
        return RML_OK;
    }
}

// ---- Channels ----------------------------------------------------------------------------------

// As ASAM MDF 4 numbers types of data; -1: one that is not read.
static int data_type(const reader *r, uint16_t type)
{
    static const int8_t as_default[] = {0, 2, 4, 4};         // + 1 where the file is big
    static const int8_t stated[] = {1, 3, 5, 5, 0, 2, 4, 4}; // 9 to 16
    return type < 4                 ? as_default[type] + r->m->big
           : type == 7              ? 6
           : type == 8              ? 10
           : type >= 9 && type < 17 ? stated[type - 9]
                                    : -1;
}

typedef struct channel {
    rml_str name, unit;
    int type;
    uint32_t bit, bits;
    bool is_time;
    bool has_conversion;
    block conversion;
} channel;

static rml_status read_channel(reader *r, const block *b, size_t record_size, channel *out,
                               bool *keep)
{
    const uint8_t *p = b->p;
    uint32_t bytes = b->size >= 228 ? u16(r, p + 226) : 0;
    uint64_t long_name = b->size >= 222 ? u32(r, p + 218) : 0, conversion = u32(r, p + 8);
    *out = (channel){.type = data_type(r, u16(r, p + 190)),
                     .bit = u16(r, p + 186) + 8 * bytes,
                     .bits = u16(r, p + 188),
                     .is_time = u16(r, p + 24) == 1};
    bool number = out->type >= 0 && out->type < 6;
    *keep = out->type >= 0 && out->bits > 0 && (!number || out->bits <= 64) &&
            (uint64_t)out->bit + out->bits <= 8 * (uint64_t)record_size;
    if (!*keep) {
        return RML_OK;
    }
    RML_TRY(text_at(r, long_name, &out->name));
    RML_TRY(out->name.len > 0 ? RML_OK : latin(r, p + 26, 32, &out->name));
    if (conversion == 0) {
        return RML_OK;
    }
    RML_TRY(block_at(r, conversion, "CC", 46, &out->conversion));
    RML_TRY(latin(r, out->conversion.p + 22, 20, &out->unit));
    uint16_t type = u16(r, out->conversion.p + 42), count = u16(r, out->conversion.p + 44);
    int64_t size = conversion_size(type, count);
    *keep = size >= 0 && 46 + (uint64_t)size <= out->conversion.size;
    out->type = type == CC_DATE ? 13 : type == CC_TIME ? 14 : out->type;
    out->has_conversion = type < CC_DATE;
    return RML_OK;
}

static rml_status put_channel(reader *r, const channel *c)
{
    rml_json_object(&r->w);
    rml_json_kv_str(&r->w, "name", c->name);
    if (c->unit.len > 0) {
        rml_json_kv_str(&r->w, "unit", c->unit);
    }
    rml_json_kv_i64(&r->w, "data_type", c->type);
    rml_json_kv_i64(&r->w, "byte_offset", c->bit / 8);
    rml_json_kv_i64(&r->w, "bit_offset", c->bit % 8);
    rml_json_kv_i64(&r->w, "bit_count", c->bits);
    RML_TRY(c->has_conversion ? put_conversion(r, &c->conversion) : RML_OK);
    rml_json_object_end(&r->w);
    return RML_OK;
}

// Time in seconds: as it stands, or by a linear conversion.
static void take_time(const reader *r, const channel *c, rml_mdf3_group *g)
{
    bool linear = c->has_conversion && u16(r, c->conversion.p + 42) == CC_LINEAR;
    g->has_time = c->type < 6 && (linear || !c->has_conversion);
    g->time_type = (uint8_t)c->type;
    g->time_bit = c->bit;
    g->time_bits = c->bits;
    g->time_offset = linear ? f64(r, c->conversion.p + 46) : 0;
    g->time_factor = linear ? f64(r, c->conversion.p + 54) : 1;
}

static rml_status read_channels(reader *r, uint64_t link, rml_mdf3_group *g)
{
    for (size_t count = 0; link != 0; count++) {
        block b;
        channel c;
        bool keep;
        if (count >= CHANNELS_MAX || r->schemas + g->schema.len > SCHEMAS_MAX) {
            return rml_fail(r->err, RML_ERR_LIMIT, rml_place_byte(r->log->name, link),
                            RML_MDF_REMEDY,
                            "expected at most %d channels in a group, and descriptions of "
                            "at most %zu bytes, found more",
                            CHANNELS_MAX, SCHEMAS_MAX);
        }
        RML_TRY(block_at(r, link, "CN", 218, &b));
        RML_TRY(read_channel(r, &b, g->size, &c, &keep));
        if (keep) {
            RML_TRY(put_channel(r, &c));
        }
        r->log->unread += !keep;
        if (keep && c.is_time && !g->has_time) {
            take_time(r, &c, g);
        }
        link = u32(r, b.p + 4);
    }
    return RML_OK;
}

// ---- Groups ------------------------------------------------------------------------------------

static rml_status read_group(reader *r, const block *b, rml_mdf3_group *g)
{
    g->record_id = u16(r, b->p + 16);
    g->size = u16(r, b->p + 20);
    g->cycles = g->size > 0 ? u32(r, b->p + 22) : 0;
    RML_TRY(text_at(r, u32(r, b->p + 12), &g->name));
    rml_str line;
    (void)rml_str_cut(g->name, '\n', &line);
    g->name = line.len == g->name.len && line.len <= 100 ? line : (rml_str){0};
    rml_json_writer_init(&r->w, &g->schema, r->err);
    rml_json_object(&r->w);
    rml_json_kv_i64(&r->w, "data_bytes", (int64_t)g->size);
    rml_json_kv_i64(&r->w, "invalidation_bytes", 0);
    rml_json_key(&r->w, "channels");
    rml_json_list(&r->w);
    RML_TRY(read_channels(r, u32(r, b->p + 8), g));
    rml_json_list_end(&r->w);
    rml_json_object_end(&r->w);
    r->schemas += g->schema.len;
    return rml_json_finish(&r->w);
}

static rml_status read_groups(reader *r, uint64_t link, rml_array *groups)
{
    while (link != 0) {
        block b;
        RML_TRY(block_at(r, link, "CG", 26, &b));
        if (groups->count >= GROUPS_MAX) {
            return rml_fail(r->err, RML_ERR_LIMIT, rml_place_byte(r->log->name, link),
                            RML_MDF_REMEDY, "expected at most %d channel groups, found more",
                            GROUPS_MAX);
        }
        rml_mdf3_group *g = rml_array_push(groups, r->err);
        if (g == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(read_group(r, &b, g));
        link = u32(r, b.p + 4);
    }
    return RML_OK;
}

static rml_status read_data_groups(reader *r, uint64_t link)
{
    while (link != 0) {
        block b;
        RML_TRY(block_at(r, link, "DG", 24, &b));
        uint16_t ids = u16(r, b.p + 22);
        if (r->m->data_groups.count >= GROUPS_MAX || ids > 2) {
            return rml_fail(
                r->err, RML_ERR_DATA, rml_place_byte(r->log->name, link), RML_MDF_REMEDY,
                "expected at most %d data groups with 0, 1 or 2 record ids, found %u ids",
                GROUPS_MAX, ids);
        }
        rml_mdf3_data_group *d = rml_array_push(&r->m->data_groups, r->err);
        if (d == NULL) {
            return RML_ERR_MEMORY;
        }
        *d = (rml_mdf3_data_group){.data = u32(r, b.p + 16),
                                   .id_size = ids > 0,
                                   .id_behind = ids == 2,
                                   .groups = RML_ARRAY(rml_mdf3_group)};
        RML_TRY(read_groups(r, u32(r, b.p + 8), &d->groups));
        link = u32(r, b.p + 4);
    }
    return RML_OK;
}

// ---- The file ----------------------------------------------------------------------------------

// Days since 1970 of a date of the Gregorian calendar. Source: Hinnant, "chrono-compatible
// low-level date algorithms", days_from_civil.
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool digits(const uint8_t *p, size_t count, int64_t *out)
{
    return rml_parse_i64((rml_str){(const char *)p, count}, out) && *out >= 0;
}

// Since version 3.2 in nanoseconds with the offset of local time; before as "DD:MM:YYYY" and
// "HH:MM:SS" of a clock whose zone is not told.
static int64_t start_of(const reader *r, const block *hd)
{
    if (hd->size >= 174 && u64(r, hd->p + 164) > 0) {
        int64_t hours = (int16_t)u16(r, hd->p + 172);
        int64_t local = (int64_t)u64(r, hd->p + 164);
        return local > INT64_MAX / 2 || hours < -24 || hours > 24 ? 0
                                                                  : local - hours * 3600000000000;
    }
    int64_t day, month, year, hour, minute, second;
    bool told = digits(hd->p + 18, 2, &day) && digits(hd->p + 21, 2, &month) &&
                digits(hd->p + 24, 4, &year) && digits(hd->p + 28, 2, &hour) &&
                digits(hd->p + 31, 2, &minute) && digits(hd->p + 34, 2, &second);
    if (!told || year < 1970 || year > 2200 || month < 1 || month > 12) {
        return 0;
    }
    return (days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000000000;
}

bool rml_mdf3_recognised(rml_bytes head)
{
    return head.len >= 64 &&
           (memcmp(head.data, "MDF     ", 8) == 0 || memcmp(head.data, "UnFinMF ", 8) == 0) &&
           (head.data[8] == '3' || head.data[8] == '2') && head.data[9] == '.';
}

rml_status rml_mdf3_read(rml_log *log, rml_mdf3 *out, rml_error *err)
{
    reader r = {.log = log, .m = out, .err = err};
    block hd;
    *out = (rml_mdf3){.data_groups = RML_ARRAY(rml_mdf3_data_group)};
    if (log->file.len < 64) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(log->name, 0), NULL,
                        "expected the 64 bytes that identify an MDF file, found %zu",
                        log->file.len);
    }
    out->big = rml_load_u16(log->file.data + 24) != 0;
    RML_TRY(latin(&r, log->file.data + 16, 8, &log->library));
    RML_TRY(block_at(&r, 64, "HD", 36, &hd));
    out->start_ns = start_of(&r, &hd);
    return read_data_groups(&r, u32(&r, hd.p + 4));
}

void rml_mdf3_reset(rml_mdf3 *m)
{
    for (size_t i = 0; i < m->data_groups.count; i++) {
        rml_mdf3_data_group *d = RML_AT(&m->data_groups, rml_mdf3_data_group, i);
        for (size_t k = 0; k < d->groups.count; k++) {
            rml_buffer_reset(&RML_AT(&d->groups, rml_mdf3_group, k)->schema);
        }
        rml_array_reset(&d->groups);
    }
    rml_array_reset(&m->data_groups);
}
