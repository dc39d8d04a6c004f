// The name that was meant: edits between a word and the names that would have fitted.
#include "roadmill/base.h"

enum { NAME_MOST = 48 };

// Levenshtein's distance; names beyond NAME_MOST are far from everything.
static size_t edits(rml_str a, rml_str b)
{
    size_t row[NAME_MOST + 1];
    if (a.len > NAME_MOST || b.len > NAME_MOST) {
        return SIZE_MAX;
    }
    for (size_t k = 0; k <= b.len; k++) {
        row[k] = k;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t replaced = corner + (a.data[i - 1] != b.data[k - 1]);
            corner = row[k];
            size_t moved = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
            row[k] = replaced < moved ? replaced : moved;
        }
    }
    return row[b.len];
}

const char *rml_nearest_name(rml_str text, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t least = (text.len + 2) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t away = edits(text, rml_str_of(names[i]));
        if (away < least) {
            least = away;
            best = names[i];
        }
    }
    return best;
}
