// Tables as text: numbers right, and on a terminal cut to its width.
#include <string.h>

#include "view.h"

enum { NARROWEST = 8, GAP = 2 };

void rml_column_next(rml_str *spec, rml_table_column *out)
{
    size_t bar = rml_str_find(*spec, RML_STR(" | "));
    rml_str one = {spec->data, bar};
    size_t skip = bar + 3 < spec->len ? bar + 3 : spec->len;
    *spec = (rml_str){spec->data + skip, spec->len - skip};
    rml_str head, body = rml_str_cut(one, '=', &head);
    size_t brace = rml_str_find(one, RML_STR("{"));
    if (body.data == NULL || brace < head.len) {
        body = one;
        (void)rml_str_cut(one, ':', &head);
        for (size_t i = head.len; i > 0; i--) {
            if (head.data[i - 1] == '.') {
                head = (rml_str){head.data + i, head.len - i};
                break;
            }
        }
    }
    *out = (rml_table_column){.head = head, .body = body, .derived = body.data == one.data};
}

// Columns on a screen; bytes that only continue a character of UTF-8 take none.
static int width_of(rml_str text)
{
    int width = 0;
    for (size_t i = 0; i < text.len; i++) {
        width += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    return width;
}

// A number, what stands for a missing one, or nothing.
static bool is_number(rml_str text)
{
    return text.len == 0 || strchr("0123456789+-.", text.data[0]) != NULL;
}

// The widest column that may be cut gives a character at a time until the line fits.
static void fit(const rml_page *page, rml_array *columns)
{
    int total = -GAP;
    for (size_t c = 0; c < columns->count; c++) {
        total += RML_AT(columns, rml_table_column, c)->width + GAP;
    }
    for (; page->terminal && total > page->columns; total--) {
        rml_table_column *widest = NULL;
        for (size_t c = 0; c < columns->count; c++) {
            rml_table_column *column = RML_AT(columns, rml_table_column, c);
            bool gives = column->wide && column->width > NARROWEST;
            widest = gives && (widest == NULL || column->width > widest->width) ? column : widest;
        }
        if (widest == NULL) {
            return;
        }
        widest->width--;
    }
}

void rml_table_measure(const rml_page *page, rml_array *columns, const rml_array *cells)
{
    for (size_t c = 0; c < columns->count; c++) {
        rml_table_column *column = RML_AT(columns, rml_table_column, c);
        bool any = false, all = true;
        column->width = width_of(column->head);
        for (size_t i = c; i < cells->count; i += columns->count) {
            rml_str cell = *RML_AT(cells, rml_str, i);
            int width = width_of(cell);
            column->width = width > column->width ? width : column->width;
            all = all && is_number(cell);
            any = any || cell.len > 0;
        }
        // An id is a name, though it may begin with a digit, and is of use whole.
        bool is_id = rml_str_find(column->body, RML_STR(":id")) < column->body.len;
        column->right = !is_id && (column->right || (any && all));
        column->wide = !is_id && !column->right;
    }
    fit(page, columns);
}

// One cell, padded or cut; the last of a line is not padded.
static rml_status put_cell(const rml_page *page, const rml_table_column *column, rml_str cell,
                           bool last, rml_error *err)
{
    int width = width_of(cell);
    bool cut = page->terminal && width > column->width && column->width > 0;
    if (cut) {
        int keep = column->width - 1;
        size_t len = 0;
        for (; len < cell.len; len++) {
            bool begins = ((unsigned char)cell.data[len] & 0xC0) != 0x80;
            if (begins && keep-- == 0) {
                break;
            }
        }
        cell.len = len;
        width = column->width;
    }
    int pad = column->width > width ? column->width - width : 0;
    return rml_buffer_printf(page->out, err, "%*s%.*s%s%*s%s", column->right ? pad : 0, "",
                             RML_FMT(cell), cut ? "…" : "", column->right || last ? 0 : pad, "",
                             last ? "\n" : "  ");
}

rml_status rml_table_heads(const rml_page *page, const rml_array *columns, rml_error *err)
{
    for (size_t c = 0; c < columns->count; c++) {
        const rml_table_column *column = RML_AT(columns, rml_table_column, c);
        char head[64];
        size_t len = column->head.len < sizeof head ? column->head.len : sizeof head - 1;
        for (size_t i = 0; i < len; i++) {
            bool blank = column->derived && column->head.data[i] == '_';
            head[i] = blank ? ' ' : column->head.data[i];
        }
        RML_TRY(put_cell(page, column, (rml_str){head, len}, c + 1 == columns->count, err));
    }
    return RML_OK;
}

rml_status rml_table_rows(const rml_page *page, const rml_array *columns, const rml_array *cells,
                          rml_error *err)
{
    for (size_t i = 0; i < cells->count; i++) {
        size_t c = i % columns->count;
        RML_TRY(put_cell(page, RML_AT(columns, rml_table_column, c), *RML_AT(cells, rml_str, i),
                         c + 1 == columns->count, err));
    }
    return RML_OK;
}
