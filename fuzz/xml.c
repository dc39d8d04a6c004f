// XML: any bytes give balanced calls of the handlers, or an error.
#include <stdlib.h>

#include "roadmill/base/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rml_status begin(void *context, const rml_xml_element *e, rml_error *err)
{
    (void)err;
    int *depth = context;
    ++*depth;
    return e->at.line > 0 && e->name.len > 0 ? RML_OK : RML_ERR_CONFLICT;
}

static rml_status end(void *context, rml_str name, rml_str text, rml_place at, rml_error *err)
{
    (void)at, (void)err, (void)name;
    int *depth = context;
    if (--*depth < 0 || !rml_utf8_valid(text)) {
        abort();
    }
    return RML_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const rml_xml_handlers handlers = {begin, end};
    int depth = 0;
    rml_error err;
    rml_bytes bytes = {data, size};
    if (rml_xml_walk(bytes, RML_STR("fuzz"), &handlers, &depth, &err) == RML_OK && depth != 0) {
        abort();
    }
    rml_heap_fail_after(size > 0 ? data[0] % 32 : 0);
    depth = 0;
    rml_status st = rml_xml_walk(bytes, RML_STR("fuzz"), &handlers, &depth, &err);
    rml_heap_fail_after(UINT64_MAX);
    (void)st;
    return 0;
}
