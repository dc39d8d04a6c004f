// train: parameters and moments of a plan in safetensors files.
#include "weights.h"

#include <string.h>

static size_t shape_count(rml_shape shape)
{
    size_t count = 1;
    for (uint32_t i = 0; i < shape.rank; i++) {
        count *= shape.size[i];
    }
    return count;
}

rml_status rml_members_make(const rml_graph *g, rml_plan *plan, bool moments, rml_members *out,
                            rml_error *err)
{
    const rml_tensor *parameters;
    size_t n = rml_graph_parameters(g, &parameters), each = moments ? 2 : 1;
    *out = (rml_members){.plan = plan, .count = n * each};
    out->list = RML_NEW_ARRAY(&out->arena, rml_safetensor, n * each);
    out->in = RML_NEW_ARRAY(&out->arena, rml_plan_slice, n * each);
    bool whole = out->list != NULL && out->in != NULL;
    for (size_t i = 0; whole && i < n; i++) {
        const char *name = rml_graph_name(g, parameters[i]);
        static const rml_plan_role pair[2] = {RML_PLAN_FIRST_MOMENT, RML_PLAN_SECOND_MOMENT};
        for (size_t k = 0; k < each; k++) {
            rml_safetensor *m = &out->list[i * each + k];
            const char *prefix = !moments ? "" : k == 0 ? "first." : "second.";
            m->name = rml_arena_printf(&out->arena, "%s%s", prefix, name);
            m->shape = rml_graph_shape(g, parameters[i]);
            m->count = shape_count(m->shape);
            out->in[i * each + k] = rml_plan_whole(plan, parameters[i]);
            out->in[i * each + k].role = moments ? pair[k] : RML_PLAN_VALUE;
            whole = whole && m->name.data != NULL;
        }
    }
    if (!whole) {
        rml_members_free(out);
        return rml_fail_memory(err, n * each * sizeof *out->list);
    }
    return RML_OK;
}

void rml_members_free(rml_members *m)
{
    rml_arena_reset(&m->arena);
    *m = (rml_members){0};
}

rml_status rml_members_get(const rml_members *m, size_t i, float *to, rml_error *err)
{
    if (m->plan != NULL) {
        return rml_plan_get(m->plan, m->in[i], to, err);
    }
    memcpy(to, m->data[i], m->list[i].count * sizeof *to);
    return RML_OK;
}

rml_status rml_members_put(const rml_members *m, size_t i, const void *from, rml_error *err)
{
    if (m->plan != NULL) {
        return rml_plan_put(m->plan, m->in[i], from, err);
    }
    memcpy(m->data[i], from, m->list[i].count * sizeof(float));
    return RML_OK;
}

// All members, in their own arena.
static rml_status members_copy(rml_members *m, float ***out, rml_error *err)
{
    float **data = RML_NEW_ARRAY(&m->arena, float *, m->count + 1);
    if (data == NULL) {
        return rml_fail_memory(err, m->count * sizeof *data);
    }
    for (size_t i = 0; i < m->count; i++) {
        data[i] = RML_NEW_ARRAY(&m->arena, float, m->list[i].count + 1);
        if (data[i] == NULL) {
            return rml_fail_memory(err, m->list[i].count * sizeof **data);
        }
        RML_TRY(rml_members_get(m, i, data[i], err));
    }
    *out = data;
    return RML_OK;
}

rml_status rml_state_save(const char *path, const rml_graph *g, rml_plan *plan, rml_hash *hash,
                          rml_error *err)
{
    rml_buffer content = {0};
    rml_members m;
    RML_TRY(rml_members_make(g, plan, false, &m, err));
    float **data = NULL;
    rml_status st = members_copy(&m, &data, err);
    st =
        st ? st : rml_safetensors_write(m.list, m.count, (const float *const *)data, &content, err);
    if (st == RML_OK && hash != NULL && rml_sha256(content.data, content.len, hash) != RML_OK) {
        st = rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL,
                      "expected SHA-256 in libcrypto, found none");
    }
    st = st ? st : rml_store_put(rml_str_of(path), rml_buffer_bytes(&content), err);
    rml_buffer_reset(&content);
    rml_members_free(&m);
    return st;
}

rml_status rml_members_take(const rml_members *m, size_t index, const rml_array *tensors,
                            rml_str file, rml_error *err)
{
    const rml_safetensor *want = &m->list[index];
    for (size_t i = 0; i < tensors->count; i++) {
        const rml_safetensor *t = RML_AT(tensors, rml_safetensor, i);
        if (!rml_str_equal(t->name, want->name)) {
            continue;
        }
        if (t->shape.rank != want->shape.rank ||
            memcmp(t->shape.size, want->shape.size, want->shape.rank * sizeof(uint32_t)) != 0) {
            break;
        }
        return rml_members_put(m, index, t->bytes.data, err);
    }
    return rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                    "expected tensor \"%.*s\" of %zu numbers in the configured shape, found none",
                    RML_FMT(want->name), want->count);
}

rml_status rml_state_load(const char *path, const rml_graph *g, rml_plan *plan, rml_error *err)
{
    rml_arena arena = {0};
    rml_object map = {0};
    rml_array tensors = RML_ARRAY(rml_safetensor);
    rml_members m = {0};
    rml_str file = rml_str_of(path);
    rml_status st = rml_object_open(&map, file, err);
    st = st ? st : rml_safetensors_parse(map.bytes, file, &arena, &tensors, err);
    st = st ? st : rml_members_make(g, plan, false, &m, err);
    if (st == RML_OK && tensors.count != m.count) {
        st = rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                      "expected %zu tensors, found %zu", m.count, tensors.count);
    }
    for (size_t i = 0; st == RML_OK && i < m.count; i++) {
        st = rml_members_take(&m, i, &tensors, file, err);
    }
    rml_members_free(&m);
    rml_array_reset(&tensors);
    rml_object_close(&map);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_weights_save(const char *path, const rml_graph *g, rml_plan *plan, rml_error *err)
{
    return rml_state_save(path, g, plan, NULL, err);
}

rml_status rml_weights_load(const char *path, const rml_graph *g, rml_plan *plan, rml_error *err)
{
    return rml_state_load(path, g, plan, err);
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
