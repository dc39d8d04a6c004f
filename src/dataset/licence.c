// The strictest licence of several. The order is a table; docs/datasets.md shows it.
#include "roadmill/dataset.h"

// From free to strict, SPDX names where there is one.
static const char *const order[] = {
    "CC0-1.0",
    "PDDL-1.0",
    "public-domain",
    "Unlicense",
    "0BSD",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Apache-2.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "MPL-2.0",
    "LGPL-3.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "ODbL-1.0",
    "GPL-3.0",
    "AGPL-3.0",
    "CC-BY-ND-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-3.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-NC-ND-4.0",
    "research-only",
    "proprietary",
};
#define KNOWN (sizeof order / sizeof order[0])

// Unknown texts rank above all known ones, a missing one above these.
static size_t rank_of(rml_str licence)
{
    if (licence.len == 0 || rml_str_equal(licence, RML_STR("not-stated"))) {
        return KNOWN + 1;
    }
    for (size_t i = 0; i < KNOWN; i++) {
        if (rml_str_equal(licence, rml_str_of(order[i]))) {
            return i;
        }
    }
    return KNOWN;
}

rml_str rml_licence_strictest(const rml_str *licences, size_t count)
{
    if (count == 0) {
        return RML_STR("not-stated");
    }
    size_t strictest = 0;
    for (size_t i = 1; i < count; i++) {
        size_t a = rank_of(licences[i]), b = rank_of(licences[strictest]);
        // Two that the order does not know: the later in the alphabet, for one answer.
        if (a > b || (a == b && rml_str_compare(licences[i], licences[strictest]) > 0)) {
            strictest = i;
        }
    }
    return rank_of(licences[strictest]) == KNOWN + 1 ? RML_STR("not-stated") : licences[strictest];
}
