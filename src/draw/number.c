// Numbers and escapes, shared by pictures and pages.
#include "number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void rml_fixed(double value, int decimals, char text[RML_FIXED_TEXT])
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double bounded = isnan(value) ? 0 : fmin(fmax(value, -1e12), 1e12);
    double scaled = round(fabs(bounded) * powers[decimals]);
    uint64_t whole = (uint64_t)(scaled / powers[decimals]);
    uint64_t rest = (uint64_t)(scaled - (double)whole * powers[decimals]);
    const char *sign = bounded < 0 && scaled > 0 ? "-" : "";
    if (decimals == 0) {
        snprintf(text, RML_FIXED_TEXT, "%s%llu", sign, (unsigned long long)whole);
    } else {
        snprintf(text, RML_FIXED_TEXT, "%s%llu.%0*llu", sign, (unsigned long long)whole, decimals,
                 (unsigned long long)rest);
    }
}

void rml_coordinate(double value, char text[RML_FIXED_TEXT])
{
    rml_fixed(value, 2, text);
    size_t len = strlen(text);
    while (text[len - 1] == '0') {
        text[--len] = '\0';
    }
    if (text[len - 1] == '.') {
        text[--len] = '\0';
    }
}

rml_status rml_escape(rml_buffer *out, rml_str text, rml_error *err)
{
    static const struct {
        char c;
        const char *as;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *as = NULL;
        for (size_t k = 0; k < sizeof escapes / sizeof *escapes; k++) {
            as = text.data[i] == escapes[k].c ? escapes[k].as : as;
        }
        if (as != NULL) {
            RML_TRY(rml_buffer_append(out, text.data + from, i - from, err));
            RML_TRY(rml_buffer_str(out, rml_str_of(as), err));
            from = i + 1;
        }
    }
    return text.len > from ? rml_buffer_append(out, text.data + from, text.len - from, err)
                           : RML_OK;
}
