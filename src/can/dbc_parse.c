// Reads a DBC file: messages, signals, value tables, multiplexing, and of the attributes those that
// decide how frames are matched. Sections that say nothing of that are passed over.

#include "dbc.h"

#define MESSAGES_MAX 100000
#define SIGNALS_MAX 4096
#define START_MAX 16383
#define EXTENDED_BIT 0x80000000u

typedef struct parser {
    rml_dbc *dbc;
    rml_dbc_lexer lexer;
    rml_dbc_token token; // the one under way
    rml_array signals;   // rml_dbc_signal, of the message under way
    rml_array texts;     // rml_dbc_text, of the table under way
    rml_array formats;   // rml_str: names of VFrameFormat, in order
    rml_str default_format;
    rml_array long_names; // long_name
    bool j1939_file;
    rml_error *err;
} parser;

// Names are cut to 32 characters by some tools, which keep the whole one as an attribute.
typedef struct long_name {
    rml_str *of;
    rml_str name;
} long_name;

// ---- Tokens ------------------------------------------------------------------------------------

static rml_status advance(parser *p)
{
    return rml_dbc_next(&p->lexer, &p->token);
}

static rml_place here(const parser *p)
{
    return rml_place_line(p->lexer.file, p->token.line, p->token.column);
}

static rml_status fail(parser *p, const char *expected)
{
    rml_str found = p->token.kind == RML_DBC_END ? RML_STR("the end of the file") : p->token.text;
    size_t shown = found.len < 60 ? found.len : 60;
    return rml_fail(p->err, RML_ERR_DATA, here(p), NULL, "expected %s, found \"%.*s\"", expected,
                    (int)shown, found.data);
}

static bool is_sign(const parser *p, char c)
{
    return p->token.kind == RML_DBC_SIGN && p->token.text.data[0] == c;
}

static bool is_word(const parser *p, const char *word)
{
    return p->token.kind == RML_DBC_WORD && rml_str_equal(p->token.text, rml_str_of(word));
}

static rml_status take_sign(parser *p, char c)
{
    char expected[4] = {'"', c, '"', '\0'};
    return is_sign(p, c) ? advance(p) : fail(p, expected);
}

static rml_status take_word(parser *p, rml_str *out, const char *expected)
{
    if (p->token.kind != RML_DBC_WORD) {
        return fail(p, expected);
    }
    *out = p->token.text;
    return advance(p);
}

static rml_status take_u32(parser *p, uint32_t *out, const char *expected)
{
    uint64_t value;
    if (p->token.kind != RML_DBC_WORD || !rml_parse_u64(p->token.text, &value) ||
        value > UINT32_MAX) {
        return fail(p, expected);
    }
    *out = (uint32_t)value;
    return advance(p);
}

static rml_status take_f64(parser *p, double *out)
{
    // "+0.5": rml_parse_f64 takes no plus.
    rml_str text = p->token.text;
    if (text.len > 1 && text.data[0] == '+') {
        text = (rml_str){text.data + 1, text.len - 1};
    }
    if (p->token.kind != RML_DBC_WORD || !rml_parse_f64(text, out)) {
        return fail(p, "a number");
    }
    return advance(p);
}

// A copy of text that is UTF-8 whatever it was: other bytes are of Windows-1252.
static rml_status keep_text(parser *p, rml_str from, rml_str *out)
{
    static const uint16_t high[32] = {
        0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};
    if (rml_utf8_valid(from)) {
        *out = rml_arena_str(&p->dbc->arena, from);
        return out->data == NULL ? rml_fail_memory(p->err, from.len) : RML_OK;
    }
    char *text = rml_arena_make(&p->dbc->arena, 3 * from.len + 1);
    if (text == NULL) {
        return rml_fail_memory(p->err, 3 * from.len);
    }
    size_t n = 0;
    for (size_t i = 0; i < from.len; i++) {
        uint32_t code = (uint8_t)from.data[i];
        code = code >= 0x80 && code < 0xA0 ? high[code - 0x80] : code;
        if (code < 0x80) {
            text[n++] = (char)code;
        } else if (code < 0x800) {
            text[n++] = (char)(0xC0 | code >> 6);
            text[n++] = (char)(0x80 | (code & 0x3F));
        } else {
            text[n++] = (char)(0xE0 | code >> 12);
            text[n++] = (char)(0x80 | (code >> 6 & 0x3F));
            text[n++] = (char)(0x80 | (code & 0x3F));
        }
    }
    *out = (rml_str){text, n};
    return RML_OK;
}

static rml_status skip_statement(parser *p)
{
    while (p->token.kind != RML_DBC_END && !is_sign(p, ';')) {
        RML_TRY(advance(p));
    }
    return p->token.kind == RML_DBC_END ? fail(p, "\";\" at the end of a statement") : advance(p);
}

// ---- Signals -----------------------------------------------------------------------------------

// "M", "m3", "m3M": a multiplexer, switched by value 3, or both.
static rml_status take_multiplexing(parser *p, rml_dbc_signal *s)
{
    rml_str word = p->token.text;
    if (p->token.kind != RML_DBC_WORD) {
        return RML_OK;
    }
    bool is_multiplexer = rml_str_ends(word, RML_STR("M"));
    if (rml_str_equal(word, RML_STR("M"))) {
        s->is_multiplexer = true;
        return advance(p);
    }
    uint64_t value;
    if (rml_str_equal(word, RML_STR("m"))) {
        return advance(p); // without a value: nothing switches it
    }
    rml_str digits = {word.data + 1, word.len - 1 - (is_multiplexer ? 1 : 0)};
    if (word.len < 2 || word.data[0] != 'm' || !rml_parse_u64(digits, &value)) {
        return fail(p, "M, m and a number, or \":\"");
    }
    rml_dbc_range *range = RML_NEW(&p->dbc->arena, rml_dbc_range);
    if (range == NULL) {
        return rml_fail_memory(p->err, sizeof *range);
    }
    *range = (rml_dbc_range){value, value};
    s->is_multiplexer = is_multiplexer;
    s->ranges = range;
    s->range_count = 1;
    s->multiplexer = SIZE_MAX; // the message's multiplexer, when all signals are known
    return advance(p);
}

// "start|length@1+ (factor,offset) [low|high] "unit" receivers"
static rml_status take_layout(parser *p, rml_dbc_signal *s)
{
    RML_TRY(take_u32(p, &s->start, "the start bit of a signal"));
    RML_TRY(take_sign(p, '|'));
    RML_TRY(take_u32(p, &s->length, "the length of a signal in bits"));
    RML_TRY(take_sign(p, '@'));
    // "1+" and "0-" may be one word or two tokens.
    rml_str order = p->token.text;
    if (p->token.kind != RML_DBC_WORD || order.len == 0 ||
        (order.data[0] != '0' && order.data[0] != '1')) {
        return fail(p, "the byte order 0 or 1 of a signal");
    }
    s->big_endian = order.data[0] == '0';
    RML_TRY(advance(p));
    if (!is_sign(p, '+') && !is_sign(p, '-')) {
        return fail(p, "the sign + or - of a signal");
    }
    s->number = is_sign(p, '-') ? RML_DBC_SIGNED : RML_DBC_UNSIGNED;
    RML_TRY(advance(p));
    RML_TRY(take_sign(p, '('));
    RML_TRY(take_f64(p, &s->factor));
    RML_TRY(take_sign(p, ','));
    RML_TRY(take_f64(p, &s->offset));
    RML_TRY(take_sign(p, ')'));
    RML_TRY(take_sign(p, '['));
    RML_TRY(take_f64(p, &s->low));
    RML_TRY(take_sign(p, '|'));
    RML_TRY(take_f64(p, &s->high));
    return take_sign(p, ']');
}

static rml_status take_signal(parser *p)
{
    rml_dbc_signal s = {0};
    rml_str name;
    rml_place at = here(p);
    RML_TRY(advance(p));
    RML_TRY(take_word(p, &name, "the name of a signal"));
    RML_TRY(keep_text(p, name, &s.name));
    RML_TRY(take_multiplexing(p, &s));
    RML_TRY(take_sign(p, ':'));
    RML_TRY(take_layout(p, &s));
    if (p->token.kind != RML_DBC_STRING) {
        return fail(p, "the unit of a signal in quotes");
    }
    RML_TRY(keep_text(p, p->token.text, &s.unit));
    RML_TRY(advance(p));
    // Receivers: names with commas between them, which nobody needs here.
    while (p->token.kind == RML_DBC_WORD && !is_word(p, "SG_") && !is_word(p, "BO_")) {
        RML_TRY(advance(p));
        if (!is_sign(p, ',')) {
            break;
        }
        RML_TRY(advance(p));
    }
    if (s.length < 1 || s.length > 64 || p->signals.count >= SIGNALS_MAX) {
        return rml_fail(p->err, RML_ERR_DATA, at, NULL,
                        "expected a signal of 1 to 64 bits, at most %d in a message, found %u bits",
                        SIGNALS_MAX, s.length);
    }
    // A signal that ends behind its message stands in many files of production cars: frames are
    // then shorter than their description, which decoding tells.
    if (s.start > START_MAX) {
        return rml_fail(p->err, RML_ERR_LIMIT, at, NULL,
                        "expected a signal that begins at bit %d at most, found %u", START_MAX,
                        s.start);
    }
    rml_dbc_signal *place = rml_array_push(&p->signals, p->err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = s;
    return RML_OK;
}

// ---- Messages ----------------------------------------------------------------------------------

// Moves the signals of the message into the arena; plainly multiplexed ones find their multiplexer.
static rml_status end_message(parser *p, rml_dbc_message *m)
{
    size_t count = p->signals.count, multiplexer = 0;
    rml_dbc_signal *signals = RML_NEW_ARRAY(&p->dbc->arena, rml_dbc_signal, count + 1);
    if (signals == NULL) {
        return rml_fail_memory(p->err, count * sizeof *signals);
    }
    for (size_t i = 0; i < count; i++) {
        signals[i] = *RML_AT(&p->signals, rml_dbc_signal, i);
        // The multiplexer of all is the one that nothing switches.
        if (signals[i].is_multiplexer && signals[i].multiplexer == 0) {
            multiplexer = i + 1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (signals[i].multiplexer == SIZE_MAX) {
            signals[i].multiplexer = multiplexer;
        }
    }
    m->signals = signals;
    m->signal_count = count;
    rml_array_clear(&p->signals);
    return RML_OK;
}

static rml_status take_message(parser *p)
{
    rml_dbc_message m = {0};
    uint32_t id;
    rml_str name, sender;
    RML_TRY(advance(p));
    RML_TRY(take_u32(p, &id, "the id of a message"));
    RML_TRY(take_word(p, &name, "the name of a message"));
    // "NAME: " and "NAME :" are both written.
    RML_TRY(take_sign(p, ':'));
    RML_TRY(take_u32(p, &m.size, "the size of a message in bytes"));
    RML_TRY(take_word(p, &sender, "the sender of a message"));
    RML_TRY(keep_text(p, name, &m.name));
    RML_TRY(keep_text(p, sender, &m.sender));
    m.extended = (id & EXTENDED_BIT) != 0;
    m.id = id & ~EXTENDED_BIT;
    if (p->dbc->messages.count >= MESSAGES_MAX) {
        return rml_fail(p->err, RML_ERR_LIMIT, here(p), NULL, "expected at most %d messages",
                        MESSAGES_MAX);
    }
    while (is_word(p, "SG_")) {
        RML_TRY(take_signal(p));
    }
    RML_TRY(end_message(p, &m));
    // Signals that belong to no message, by convention.
    if (rml_str_equal(m.name, RML_STR("VECTOR__INDEPENDENT_SIG_MSG"))) {
        return RML_OK;
    }
    rml_dbc_message *place = rml_array_push(&p->dbc->messages, p->err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = m;
    return RML_OK;
}

static rml_dbc_message *message_of(parser *p, uint32_t id)
{
    bool extended = (id & EXTENDED_BIT) != 0;
    for (size_t i = p->dbc->messages.count; i > 0; i--) {
        rml_dbc_message *m = RML_AT(&p->dbc->messages, rml_dbc_message, i - 1);
        if (m->id == (id & ~EXTENDED_BIT) && m->extended == extended) {
            return m;
        }
    }
    return NULL;
}

// The signal of a message; the arena's memory is ours to fill.
static rml_dbc_signal *signal_of(parser *p, uint32_t id, rml_str name)
{
    rml_dbc_message *m = message_of(p, id);
    for (size_t i = 0; m != NULL && i < m->signal_count; i++) {
        if (rml_str_equal(m->signals[i].name, name)) {
            return (rml_dbc_signal *)(uintptr_t)&m->signals[i];
        }
    }
    return NULL;
}

// ---- Values, types, multiplexing ---------------------------------------------------------------

// "VAL_ id signal value "text" … ;"
static rml_status take_values(parser *p)
{
    uint32_t id;
    rml_str name;
    RML_TRY(advance(p));
    uint64_t probe;
    if (p->token.kind == RML_DBC_WORD && !rml_parse_u64(p->token.text, &probe)) {
        return skip_statement(p); // of an environment variable
    }
    RML_TRY(take_u32(p, &id, "the id of a message"));
    RML_TRY(take_word(p, &name, "the name of a signal"));
    rml_array_clear(&p->texts);
    while (p->token.kind == RML_DBC_WORD) {
        double value;
        RML_TRY(take_f64(p, &value));
        if (p->token.kind != RML_DBC_STRING) {
            return fail(p, "the text of a value in quotes");
        }
        rml_dbc_text *text = rml_array_push(&p->texts, p->err);
        if (text == NULL) {
            return RML_ERR_MEMORY;
        }
        text->value = value >= -9e18 && value <= 9e18 ? (int64_t)value : 0;
        RML_TRY(keep_text(p, p->token.text, &text->text));
        RML_TRY(advance(p));
    }
    RML_TRY(take_sign(p, ';'));
    rml_dbc_signal *s = signal_of(p, id, name);
    if (s == NULL) {
        return RML_OK; // of a signal that is not there, as many files have it
    }
    rml_dbc_text *texts = RML_NEW_ARRAY(&p->dbc->arena, rml_dbc_text, p->texts.count + 1);
    if (texts == NULL) {
        return rml_fail_memory(p->err, p->texts.count * sizeof *texts);
    }
    for (size_t i = 0; i < p->texts.count; i++) {
        texts[i] = *RML_AT(&p->texts, rml_dbc_text, i);
    }
    s->texts = texts;
    s->text_count = p->texts.count;
    return RML_OK;
}

// "SIG_VALTYPE_ id signal : 1 ;": 1 is float, 2 double.
static rml_status take_value_type(parser *p)
{
    uint32_t id, type;
    rml_str name;
    RML_TRY(advance(p));
    RML_TRY(take_u32(p, &id, "the id of a message"));
    RML_TRY(take_word(p, &name, "the name of a signal"));
    if (is_sign(p, ':')) {
        RML_TRY(advance(p));
    }
    rml_place at = here(p);
    RML_TRY(take_u32(p, &type, "a type of value, 0 to 2"));
    rml_dbc_signal *s = signal_of(p, id, name);
    if (s != NULL && (type == 1 || type == 2)) {
        if (s->length != 32 * type) {
            return rml_fail(p->err, RML_ERR_DATA, at, NULL,
                            "expected a float of %u bits, found signal %.*s of %u bits", 32 * type,
                            RML_FMT(name), s->length);
        }
        s->number = type == 1 ? RML_DBC_F32 : RML_DBC_F64;
    }
    return take_sign(p, ';');
}

// "SG_MUL_VAL_ id signal multiplexer low-high, low-high ;"
static rml_status take_ranges(parser *p)
{
    uint32_t id;
    rml_str name, by;
    rml_array ranges = RML_ARRAY(rml_dbc_range);
    RML_TRY(advance(p));
    RML_TRY(take_u32(p, &id, "the id of a message"));
    RML_TRY(take_word(p, &name, "the name of a signal"));
    RML_TRY(take_word(p, &by, "the name of a multiplexer"));
    rml_status st = RML_OK;
    while (st == RML_OK && p->token.kind == RML_DBC_WORD) {
        // "3-5" is one word or, with the sign before a digit, two.
        int64_t low = 0, high = 0;
        rml_dbc_range *range = rml_array_push(&ranges, p->err);
        rml_str first = p->token.text;
        if (range == NULL || !rml_parse_i64(first, &low)) {
            st = range == NULL ? RML_ERR_MEMORY : fail(p, "a range of values");
            break;
        }
        st = advance(p);
        if (st == RML_OK &&
            (p->token.kind != RML_DBC_WORD || !rml_parse_i64(p->token.text, &high))) {
            st = fail(p, "the end of a range of values");
        }
        *range = (rml_dbc_range){(uint64_t)low, (uint64_t)(high < 0 ? -high : high)};
        st = st ? st : advance(p);
        if (st == RML_OK && is_sign(p, ',')) {
            st = advance(p);
        }
    }
    rml_dbc_message *m = message_of(p, id);
    rml_dbc_signal *s = signal_of(p, id, name), *multiplexer = signal_of(p, id, by);
    rml_dbc_range *kept = RML_NEW_ARRAY(&p->dbc->arena, rml_dbc_range, ranges.count + 1);
    if (st == RML_OK && kept == NULL) {
        st = rml_fail_memory(p->err, ranges.count * sizeof *kept);
    }
    if (st == RML_OK && s != NULL && multiplexer != NULL) {
        for (size_t i = 0; i < ranges.count; i++) {
            kept[i] = *RML_AT(&ranges, rml_dbc_range, i);
        }
        s->multiplexer = (size_t)(multiplexer - m->signals) + 1;
        s->ranges = kept;
        s->range_count = ranges.count;
    }
    rml_array_reset(&ranges);
    return st ? st : take_sign(p, ';');
}

// ---- Attributes --------------------------------------------------------------------------------

// "BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN",…;": the names by their number.
static rml_status take_attribute_definition(parser *p)
{
    RML_TRY(advance(p));
    while (p->token.kind == RML_DBC_WORD) {
        RML_TRY(advance(p));
    }
    bool formats =
        p->token.kind == RML_DBC_STRING && rml_str_equal(p->token.text, RML_STR("VFrameFormat"));
    if (formats) {
        RML_TRY(advance(p));
        rml_array_clear(&p->formats);
    }
    while (formats && p->token.kind != RML_DBC_END && !is_sign(p, ';')) {
        if (p->token.kind == RML_DBC_STRING) {
            rml_str *name = rml_array_push(&p->formats, p->err);
            if (name == NULL) {
                return RML_ERR_MEMORY;
            }
            *name = p->token.text;
        }
        RML_TRY(advance(p));
    }
    return skip_statement(p);
}

static rml_status take_attribute_default(parser *p)
{
    RML_TRY(advance(p));
    bool format =
        p->token.kind == RML_DBC_STRING && rml_str_equal(p->token.text, RML_STR("VFrameFormat"));
    bool protocol =
        p->token.kind == RML_DBC_STRING && rml_str_equal(p->token.text, RML_STR("ProtocolType"));
    RML_TRY(p->token.kind == RML_DBC_END ? RML_OK : advance(p));
    if (format && p->token.kind == RML_DBC_STRING) {
        p->default_format = p->token.text;
    }
    if (protocol && p->token.kind == RML_DBC_STRING) {
        p->j1939_file = rml_str_equal(p->token.text, RML_STR("J1939"));
    }
    return skip_statement(p);
}

static void set_format(rml_dbc_message *m, rml_str format)
{
    m->j1939 = rml_str_equal(format, RML_STR("J1939PG"));
    m->fd = rml_str_equal(format, RML_STR("StandardCAN_FD")) ||
            rml_str_equal(format, RML_STR("ExtendedCAN_FD"));
}

// "BO_ id "long";" or "SG_ id signal "long";": put in when everything has been read by short names.
static rml_status take_long_name(parser *p)
{
    uint32_t id;
    rml_str name = {0}, text;
    bool signal = is_word(p, "SG_");
    if (!signal && !is_word(p, "BO_")) {
        return skip_statement(p);
    }
    RML_TRY(advance(p));
    RML_TRY(take_u32(p, &id, "the id of a message"));
    RML_TRY(signal ? take_word(p, &name, "the name of a signal") : RML_OK);
    rml_dbc_message *m = signal ? NULL : message_of(p, id);
    rml_dbc_signal *s = signal ? signal_of(p, id, name) : NULL;
    if (p->token.kind == RML_DBC_STRING && (m != NULL || s != NULL)) {
        RML_TRY(keep_text(p, p->token.text, &text));
        long_name *place = rml_array_push(&p->long_names, p->err);
        if (place == NULL) {
            return RML_ERR_MEMORY;
        }
        *place = (long_name){signal ? &s->name : NULL, text};
        if (!signal) {
            m->name = text;
        }
    }
    return skip_statement(p);
}

// "BA_ "VFrameFormat" BO_ id 3;", "BA_ "ProtocolType" "J1939";"
static rml_status take_attribute(parser *p)
{
    uint32_t id, number;
    RML_TRY(advance(p));
    rml_str name = p->token.kind == RML_DBC_STRING ? p->token.text : (rml_str){0};
    RML_TRY(p->token.kind == RML_DBC_END ? RML_OK : advance(p));
    if (rml_str_equal(name, RML_STR("ProtocolType")) && p->token.kind == RML_DBC_STRING) {
        p->j1939_file = rml_str_equal(p->token.text, RML_STR("J1939"));
    }
    if (rml_str_equal(name, RML_STR("SystemMessageLongSymbol")) ||
        rml_str_equal(name, RML_STR("SystemSignalLongSymbol"))) {
        return take_long_name(p);
    }
    if (!rml_str_equal(name, RML_STR("VFrameFormat")) || !is_word(p, "BO_")) {
        return skip_statement(p);
    }
    RML_TRY(advance(p));
    RML_TRY(take_u32(p, &id, "the id of a message"));
    rml_dbc_message *m = message_of(p, id);
    rml_str format = p->token.text;
    if (p->token.kind == RML_DBC_WORD) {
        RML_TRY(take_u32(p, &number, "the number of a frame format"));
        format = number < p->formats.count ? *RML_AT(&p->formats, rml_str, number) : (rml_str){0};
    }
    if (m != NULL) {
        set_format(m, format);
    }
    return skip_statement(p);
}

// ---- Comments ----------------------------------------------------------------------------------

// "CM_ SG_ id signal "text";", "CM_ BO_ id "text";"
static rml_status take_comment(parser *p)
{
    uint32_t id;
    rml_str name = {0};
    RML_TRY(advance(p));
    bool signal = is_word(p, "SG_"), message = is_word(p, "BO_");
    if (!signal && !message) {
        return skip_statement(p);
    }
    RML_TRY(advance(p));
    RML_TRY(take_u32(p, &id, "the id of a message"));
    RML_TRY(signal ? take_word(p, &name, "the name of a signal") : RML_OK);
    if (p->token.kind == RML_DBC_STRING) {
        rml_str text;
        RML_TRY(keep_text(p, p->token.text, &text));
        rml_dbc_signal *s = signal ? signal_of(p, id, name) : NULL;
        rml_dbc_message *m = signal ? NULL : message_of(p, id);
        if (s != NULL) {
            s->comment = text;
        }
        if (m != NULL) {
            m->comment = text;
        }
    }
    return skip_statement(p);
}

// ---- The file ----------------------------------------------------------------------------------

// New symbols and the like: words up to the next statement that is known.
static rml_status skip_symbols(parser *p)
{
    RML_TRY(advance(p));
    while (p->token.kind != RML_DBC_END && !is_word(p, "BS_") && !is_word(p, "BU_") &&
           !is_word(p, "BO_")) {
        RML_TRY(advance(p));
    }
    return RML_OK;
}

// To the next word that begins a statement: of what ends without a semicolon.
static rml_status skip_line(parser *p)
{
    uint32_t line = p->token.line;
    RML_TRY(advance(p));
    while (p->token.kind != RML_DBC_END &&
           (p->token.line == line || p->token.kind != RML_DBC_WORD ||
            !rml_str_ends(p->token.text, RML_STR("_")))) {
        RML_TRY(advance(p));
    }
    return RML_OK;
}

static rml_status take_statement(parser *p)
{
    static const struct {
        const char *word;
        rml_status (*take)(parser *p);
    } statements[] = {
        {"VERSION", skip_line},
        {"NS_", skip_symbols},
        {"BS_", skip_line},
        {"BU_", skip_line},
        {"BO_", take_message},
        {"VAL_", take_values},
        {"SIG_VALTYPE_", take_value_type},
        {"SG_MUL_VAL_", take_ranges},
        {"CM_", take_comment},
        {"BA_DEF_", take_attribute_definition},
        {"BA_DEF_DEF_", take_attribute_default},
        {"BA_", take_attribute},
        {"VAL_TABLE_", skip_statement},
        {"BO_TX_BU_", skip_statement},
        {"EV_", skip_statement},
        {"ENVVAR_DATA_", skip_statement},
        {"EV_DATA_", skip_statement},
        {"SGTYPE_", skip_statement},
        {"SGTYPE_VAL_", skip_statement},
        {"SIG_TYPE_REF_", skip_statement},
        {"SIGTYPE_VALTYPE_", skip_statement},
        {"SIG_GROUP_", skip_statement},
        {"BA_DEF_REL_", skip_statement},
        {"BA_DEF_DEF_REL_", skip_statement},
        {"BA_REL_", skip_statement},
        {"BA_DEF_SGTYPE_", skip_statement},
        {"BA_SGTYPE_", skip_statement},
        {"CAT_DEF_", skip_statement},
        {"CAT_", skip_statement},
        {"FILTER", skip_statement},
        {"BU_SG_REL_", skip_statement},
        {"BU_EV_REL_", skip_statement},
        {"BU_BO_REL_", skip_statement},
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (is_word(p, statements[i].word)) {
            return statements[i].take(p);
        }
    }
    if (is_sign(p, ';')) {
        return advance(p);
    }
    return fail(p, "a statement of DBC (BO_, SG_ in it, VAL_, BA_...)");
}

static rml_status parse(parser *p)
{
    RML_TRY(advance(p));
    if (p->token.kind != RML_DBC_WORD) {
        return fail(p, "VERSION or another statement of DBC");
    }
    while (p->token.kind != RML_DBC_END) {
        RML_TRY(take_statement(p));
    }
    for (size_t i = 0; i < p->long_names.count; i++) {
        const long_name *n = RML_AT(&p->long_names, long_name, i);
        if (n->of != NULL) {
            *n->of = n->name;
        }
    }
    for (size_t i = 0; i < p->dbc->messages.count; i++) {
        rml_dbc_message *m = RML_AT(&p->dbc->messages, rml_dbc_message, i);
        if (m->extended && !m->j1939 && !m->fd &&
            (p->j1939_file || rml_str_equal(p->default_format, RML_STR("J1939PG")))) {
            m->j1939 = true;
        }
    }
    return RML_OK;
}

rml_status rml_dbc_parse(rml_str text, rml_str file, rml_dbc **out, rml_error *err)
{
    rml_dbc *dbc = rml_heap_make(sizeof *dbc);
    if (dbc == NULL) {
        return rml_fail_memory(err, sizeof *dbc);
    }
    dbc->messages = RML_ARRAY(rml_dbc_message);
    // A byte order mark may stand before the text.
    if (rml_str_starts(text, RML_STR("\xEF\xBB\xBF"))) {
        text = (rml_str){text.data + 3, text.len - 3};
    }
    parser p = {.dbc = dbc,
                .lexer = {.text = text, .line = 1, .file = file, .err = err},
                .signals = RML_ARRAY(rml_dbc_signal),
                .texts = RML_ARRAY(rml_dbc_text),
                .formats = RML_ARRAY(rml_str),
                .long_names = RML_ARRAY(long_name),
                .err = err};
    rml_status st = parse(&p);
    rml_array_reset(&p.signals);
    rml_array_reset(&p.texts);
    rml_array_reset(&p.formats);
    rml_array_reset(&p.long_names);
    if (st) {
        rml_dbc_free(dbc);
        return st;
    }
    *out = dbc;
    return RML_OK;
}

void rml_dbc_free(rml_dbc *dbc)
{
    if (dbc == NULL) {
        return;
    }
    rml_array_reset(&dbc->messages);
    rml_arena_reset(&dbc->arena);
    rml_heap_free(dbc);
}

const rml_dbc_message *rml_dbc_messages(const rml_dbc *dbc, size_t *count)
{
    *count = dbc->messages.count;
    return dbc->messages.data;
}
