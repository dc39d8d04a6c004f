// YAML: any bytes give a tree with places inside the text, or an error.
#include <stdlib.h>

#include "roadmill/base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const rml_yaml *node)
{
    size_t nodes = 0;
    for (; node; node = node->next) {
        if (node->at.line == 0 || !rml_utf8_valid(node->text)) {
            abort();
        }
        nodes += 1 + count(node->child);
    }
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const known[] = {"name", "metric", "slice"};
    rml_arena arena = {0};
    const rml_yaml *value;
    rml_error err;
    rml_str text = {(const char *)data, size};
    if (rml_yaml_parse(&arena, text, RML_STR("fuzz"), &value, &err) == RML_OK) {
        double number;
        count(value);
        rml_status st = rml_yaml_only(value, known, 3, &err);
        st = rml_yaml_get_f64(value, "name", &number, &err);
        (void)st;
    }
    rml_arena_reset(&arena);
    rml_heap_fail_after(size > 0 ? data[0] % 8 : 0);
    rml_status st = rml_yaml_parse(&arena, text, RML_STR("fuzz"), &value, &err);
    rml_heap_fail_after(UINT64_MAX);
    (void)st;
    rml_arena_reset(&arena);
    return 0;
}
