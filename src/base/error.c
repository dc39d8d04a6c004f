// Errors: one fault, told in one line, in a struct of the caller.
#include "roadmill/base.h"

#include <stdio.h>
#include <string.h>

rml_place rml_place_file(rml_str file)
{
    return (rml_place){.file = file, .kind = RML_PLACE_FILE};
}

rml_place rml_place_byte(rml_str file, uint64_t offset)
{
    return (rml_place){.file = file, .kind = RML_PLACE_BYTE, .offset = offset};
}

rml_place rml_place_line(rml_str file, uint32_t line, uint32_t column)
{
    return (rml_place){.file = file, .kind = RML_PLACE_LINE, .line = line, .column = column};
}

// Drops the bytes of a UTF-8 sequence that a cut left without its end.
static void drop_torn_tail(char *text)
{
    size_t len = strlen(text);
    size_t start = len;
    while (start > 0 && len - start < 3 && ((uint8_t)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return;
    }
    uint8_t lead = (uint8_t)text[start - 1];
    size_t need = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (need > len - start) {
        text[start - 1] = 0;
    }
}

static void write_place(char *text, size_t size, rml_place at)
{
    // Long enough for any file name that a system takes; a longer one is cut here.
    int len = at.file.len > size ? (int)size : (int)at.file.len;
    const char *gap = len > 0 ? ": " : "";
    if (at.kind == RML_PLACE_BYTE) {
        snprintf(text, size, "%.*s%sbyte %llu", len, at.file.data, gap,
                 (unsigned long long)at.offset);
    } else if (at.kind == RML_PLACE_LINE && at.column > 0) {
        snprintf(text, size, "%.*s%s%u:%u", len, at.file.data, len > 0 ? ":" : "line ", at.line,
                 at.column);
    } else if (at.kind == RML_PLACE_LINE) {
        snprintf(text, size, "%.*s%s%u", len, at.file.data, len > 0 ? ":" : "line ", at.line);
    } else {
        snprintf(text, size, "%.*s", len, at.file.data);
    }
    drop_torn_tail(text);
}

rml_status rml_fail(rml_error *err, rml_status status, rml_place at, const char *remedy,
                    const char *format, ...)
{
    if (!err) {
        return status;
    }
    if (!at.file.data) {
        at.file = RML_STR("");
    }
    err->status = status;
    err->place_kind = at.kind;
    err->offset = at.offset;
    err->line = at.line;
    err->column = at.column;
    write_place(err->place, sizeof err->place, at);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->what, sizeof err->what, format, arguments);
    va_end(arguments);
    drop_torn_tail(err->what);
    snprintf(err->remedy, sizeof err->remedy, "%s", remedy ? remedy : "");
    drop_torn_tail(err->remedy);
    return status;
}

rml_status rml_fail_memory(rml_error *err, size_t size)
{
    return rml_fail(err, RML_ERR_MEMORY, (rml_place){0}, NULL,
                    "expected %zu bytes of memory, found none left", size);
}

size_t rml_error_text(const rml_error *err, char *text, size_t size)
{
    int len = snprintf(text, size, "%s%s%s%s%s", err->place, err->place[0] ? ": " : "", err->what,
                       err->remedy[0] ? "; " : "", err->remedy);
    return len < 0 ? 0 : (size_t)len;
}

bool rml_status_is_of_data(rml_status status)
{
    return status == RML_ERR_DATA || status == RML_ERR_LIMIT || status == RML_ERR_UNSUPPORTED;
}

const char *rml_status_name(rml_status status)
{
    static const char *const names[] = {
        [RML_OK] = "ok",
        [RML_END] = "end",
        [RML_ERR_DATA] = "data",
        [RML_ERR_ARGUMENT] = "argument",
        [RML_ERR_LIMIT] = "limit",
        [RML_ERR_MEMORY] = "memory",
        [RML_ERR_IO] = "io",
        [RML_ERR_MISSING] = "missing",
        [RML_ERR_EXISTS] = "exists",
        [RML_ERR_UNSUPPORTED] = "unsupported",
        [RML_ERR_CONFLICT] = "conflict",
        [RML_ERR_STOPPED] = "stopped",
    };
    return (size_t)status < sizeof names / sizeof names[0] ? names[status] : "unnamed";
}
