// train: parameters and moments of a plan in safetensors files.
#include "weights.h"

#include <string.h>

#include "safetensors.h"

static size_t shape_count(rml_shape shape)
{
    size_t count = 1;
    for (uint32_t i = 0; i < shape.rank; i++) {
        count *= shape.size[i];
    }
    return count;
}

// What a file holds of a plan: each parameter, or its two moments under "first." and "second.".
static rml_status members_list(const rml_graph *g, rml_plan *plan, bool moments, rml_arena *arena,
                               rml_safetensor **members, float ***data, size_t *count,
                               rml_error *err)
{
    const rml_tensor *parameters;
    size_t n = rml_graph_parameters(g, &parameters), each = moments ? 2 : 1;
    *members = RML_NEW_ARRAY(arena, rml_safetensor, n * each);
    *data = RML_NEW_ARRAY(arena, float *, n *each);
    if (*members == NULL || *data == NULL) {
        return rml_fail_memory(err, n * each * sizeof **members);
    }
    for (size_t i = 0; i < n; i++) {
        const char *name = rml_graph_name(g, parameters[i]);
        void *pair[2] = {rml_plan_data(plan, parameters[i]), NULL};
        if (moments) {
            rml_plan_moments(plan, parameters[i], &pair[0], &pair[1]);
        }
        for (size_t k = 0; k < each; k++) {
            rml_safetensor *m = &(*members)[i * each + k];
            const char *prefix = !moments ? "" : k == 0 ? "first." : "second.";
            m->name = rml_arena_printf(arena, "%s%s", prefix, name);
            m->shape = rml_graph_shape(g, parameters[i]);
            m->count = shape_count(m->shape);
            (*data)[i * each + k] = pair[k];
            if (m->name.data == NULL) {
                return rml_fail_memory(err, 64);
            }
        }
    }
    *count = n * each;
    return RML_OK;
}

rml_status rml_state_save(const char *path, const rml_graph *g, rml_plan *plan, bool moments,
                          rml_hash *hash, rml_error *err)
{
    rml_arena arena = {0};
    rml_buffer content = {0};
    rml_safetensor *members;
    float **data;
    size_t count;
    rml_status st = members_list(g, plan, moments, &arena, &members, &data, &count, err);
    if (st == RML_OK) {
        st = rml_safetensors_write(members, count, (const float *const *)data, &content, err);
    }
    if (st == RML_OK && hash != NULL && rml_sha256(content.data, content.len, hash) != RML_OK) {
        st = rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL,
                      "expected SHA-256 in libcrypto, found none");
    }
    st = st ? st : rml_file_replace(path, rml_buffer_bytes(&content), err);
    rml_buffer_reset(&content);
    rml_arena_reset(&arena);
    return st;
}

static rml_status member_take(const rml_array *tensors, const rml_safetensor *want, float *to,
                              rml_str file, rml_error *err)
{
    for (size_t i = 0; i < tensors->count; i++) {
        const rml_safetensor *t = RML_AT(tensors, rml_safetensor, i);
        if (!rml_str_equal(t->name, want->name)) {
            continue;
        }
        if (t->shape.rank != want->shape.rank ||
            memcmp(t->shape.size, want->shape.size, want->shape.rank * sizeof(uint32_t)) != 0) {
            break;
        }
        memcpy(to, t->bytes.data, t->bytes.len);
        return RML_OK;
    }
    return rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                    "expected tensor \"%.*s\" of %zu numbers in the configured shape, found none",
                    RML_FMT(want->name), want->count);
}

rml_status rml_state_load(const char *path, const rml_graph *g, rml_plan *plan, bool moments,
                          rml_error *err)
{
    rml_arena arena = {0};
    rml_map_file map = {0};
    rml_array tensors = RML_ARRAY(rml_safetensor);
    rml_safetensor *members;
    float **data;
    size_t count = 0;
    rml_str file = rml_str_of(path);
    rml_status st = rml_map_file_open(&map, path, err);
    st = st ? st : rml_safetensors_parse(map.bytes, file, &arena, &tensors, err);
    st = st ? st : members_list(g, plan, moments, &arena, &members, &data, &count, err);
    if (st == RML_OK && tensors.count != count) {
        st = rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                      "expected %zu tensors, found %zu", count, tensors.count);
    }
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        st = member_take(&tensors, &members[i], data[i], file, err);
    }
    rml_array_reset(&tensors);
    rml_map_file_close(&map);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_weights_save(const char *path, const rml_graph *g, rml_plan *plan, rml_error *err)
{
    return rml_state_save(path, g, plan, false, NULL, err);
}

rml_status rml_weights_load(const char *path, const rml_graph *g, rml_plan *plan, rml_error *err)
{
    return rml_state_load(path, g, plan, false, err);
}

rml_status rml_weights_check(rml_bytes content, rml_str file, size_t *tensors, rml_error *err)
{
    rml_arena arena = {.limit = 8 * RML_SAFETENSORS_HEADER_MAX};
    rml_array found = RML_ARRAY(rml_safetensor);
    rml_status st = rml_safetensors_parse(content, file, &arena, &found, err);
    if (tensors != NULL) {
        *tensors = found.count;
    }
    rml_array_reset(&found);
    rml_arena_reset(&arena);
    return st;
}
