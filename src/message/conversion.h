// Inside the room: conversions of MDF channels (ASAM MDF 4.2, "CCBLOCK"), from the JSON that the
// schema "mdf4" holds them in.
#ifndef RML_MESSAGE_CONVERSION_H
#define RML_MESSAGE_CONVERSION_H

#include "roadmill/base.h"
#include "roadmill/base/json.h"

// cc_type.
typedef enum rml_conversion_type {
    RML_CC_IDENTITY,
    RML_CC_LINEAR,
    RML_CC_RATIONAL,
    RML_CC_ALGEBRAIC,
    RML_CC_TABLE_INTERPOLATED,
    RML_CC_TABLE,
    RML_CC_RANGE_TO_VALUE,
    RML_CC_VALUE_TO_TEXT,
    RML_CC_RANGE_TO_TEXT,
    RML_CC_TEXT_TO_VALUE,
    RML_CC_TEXT_TO_TEXT,
    RML_CC_BIT_FIELD,
} rml_conversion_type;

typedef struct rml_conversion {
    rml_conversion_type type;
    const double *values;
    const uint64_t *masks; // BIT_FIELD: the values as integers
    size_t value_count;
    // A reference is a text, a conversion, or nothing.
    const struct rml_conversion_reference {
        rml_str text;
        const struct rml_conversion *conversion;
    } * references;
    size_t reference_count;
} rml_conversion;

// In the arena. RML_ERR_DATA for one whose counts do not fit its type, or a formula that cannot be
// read.
rml_status rml_conversion_compile(const rml_json *from, rml_place at, rml_arena *arena,
                                  const rml_conversion **out, rml_error *err) RML_CHECKED;
// True where the conversion of a number gives texts (perhaps among numbers).
bool rml_conversion_gives_text(const rml_conversion *c);
// The physical number; where the conversion gives a text there, NaN.
double rml_conversion_number(const rml_conversion *c, double raw, bool is_float);
// The text appended to out: of the table, or the physical number as text where it gives one.
rml_status rml_conversion_text(const rml_conversion *c, double raw, uint64_t bits, bool is_float,
                               rml_buffer *out, rml_error *err) RML_CHECKED;
// Of a text: TEXT_TO_VALUE and TEXT_TO_TEXT.
double rml_conversion_of_text(const rml_conversion *c, rml_str text);
rml_str rml_conversion_text_of_text(const rml_conversion *c, rml_str text);

#endif
